// Random JSON documents for differential tests: mostly requests, sometimes broken by one byte.
#pragma once

#include "tests/balance/random.hpp"

#include <string>
#include <string_view>

namespace headroom::balance {

/// Writes documents with every kind of value, escape and white space; what it writes is valid unless said
/// otherwise.
class RandomJson {
  public:
    explicit RandomJson(Random& random) : random_(random) {}

    std::string request() {
        text_.clear();
        blanks();
        object(0, true);
        blanks();
        return text_;
    }

    /// The same with one byte changed, removed or added: usually invalid.
    std::string damaged() {
        std::string document = request();
        const std::size_t at = random_.below(document.size());
        const char byte = random_.pick("{}[]\",:\\0e-tn x\x01\xff");
        switch (random_.below(3)) {
            case 0: document[at] = byte; break;
            case 1: document.erase(at, 1); break;
            default: document.insert(at, 1, byte); break;
        }
        return document;
    }

  private:
    void blanks() {
        static constexpr char kinds[] = {' ', '\n', '\t', '\r'};
        while (random_.chance(20))
            text_ += random_.pick(kinds);
    }

    void member_name(bool root) {
        static constexpr std::string_view known[] = {"model",
                                                     "mod\\u0065l",
                                                     "stream",
                                                     "stream_options",
                                                     "include_usage",
                                                     "max_tokens",
                                                     "max_completion_tokens",
                                                     "max_output_tokens",
                                                     "n",
                                                     "best_of",
                                                     "store",
                                                     "tools",
                                                     "prompt",
                                                     "conversation",
                                                     "previous_response_id",
                                                     "prompt_cache_key",
                                                     "user"};
        if (random_.chance(root ? 60 : 20)) {
            text_ += '"';
            text_ += random_.pick(known);
            text_ += '"';
        } else {
            string(random_.chance(2) ? 100 : 12);
        }
    }

    void object(int depth, bool root = false) {
        text_ += '{';
        blanks();
        const std::uint64_t members = random_.below(root ? 9 : 4);
        for (std::uint64_t i = 0; i < members; ++i) {
            if (i != 0) text_ += ',';
            blanks();
            member_name(root);
            blanks();
            text_ += ':';
            blanks();
            value(depth + 1);
            blanks();
        }
        text_ += '}';
    }

    void array(int depth) {
        text_ += '[';
        blanks();
        const std::uint64_t elements = random_.below(4);
        for (std::uint64_t i = 0; i < elements; ++i) {
            if (i != 0) text_ += ',';
            blanks();
            value(depth + 1);
            blanks();
        }
        text_ += ']';
    }

    void value(int depth) {
        static constexpr std::string_view words[] = {"true", "false", "null"};
        switch (random_.below(depth > 6 ? 4 : 6)) {
            case 0: text_ += random_.pick(words); return;
            case 1: number(); return;
            case 4: object(depth); return;
            case 5: array(depth); return;
            default: string(random_.chance(10) ? 400 : 20); return;
        }
    }

    void number() {
        static constexpr std::string_view numbers[] = {
            "0",     "-0",  "1",      "16",   "256",    "1000000",         "-5",
            "12.75", "1e3", "2.5E+2", "1e-9", "128000", "9007199254740993"};
        text_ += random_.pick(numbers);
    }

    void string(std::uint64_t length_max) {
        static constexpr std::string_view pieces[] = {
            "a",        "word ",        "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00",
            "\xc3\xa9", "\xe4\xb8\xad", "{",   "}",    "[",    ":",   ",",       "gpt-4o",
            "\\t"};
        text_ += '"';
        const std::size_t begin = text_.size();
        if (random_.chance(3)) text_ += "data:image/png;base64,AAAA";
        const std::uint64_t length = random_.below(length_max + 1);
        while (text_.size() - begin < length) {
            text_ += random_.chance(70) ? std::string_view("plain text ") : random_.pick(pieces);
        }
        text_ += '"';
    }

    Random& random_;
    std::string text_;
};

} // namespace headroom::balance
