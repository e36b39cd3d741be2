// Heads are parsed where they lie when they come in one piece, which is nearly always.
#include "tools/load/response_reader.hpp"

#include <algorithm>
#include <charconv>

namespace headroom::load {
namespace {

constexpr std::size_t head_bytes_max = 64U << 10U;
constexpr std::size_t chunk_line_bytes_max = 4096;

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equals(std::string_view text, std::string_view lower_case) noexcept {
    return text.size() == lower_case.size() && std::equal(text.begin(), text.end(), lower_case.begin(),
                                                          [](char a, char b) { return lower(a) == b; });
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// True when the comma-separated list has that element.
bool list_has(std::string_view list, std::string_view lower_case) noexcept {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (equals(trimmed(list.substr(0, comma)), lower_case)) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

} // namespace

void ResponseReader::reset(bool to_head) noexcept {
    std::string kept = std::move(line_);
    kept.clear();
    *this = ResponseReader{};
    line_ = std::move(kept);
    to_head_ = to_head;
}

std::size_t ResponseReader::feed(std::string_view bytes, BodySink& sink) {
    std::size_t used = 0;
    begun_ = begun_ || !bytes.empty();
    while (used < bytes.size() && state_ != State::done && state_ != State::malformed) {
        const std::string_view rest = bytes.substr(used);
        if (state_ == State::head) {
            used += feed_head(rest);
        } else if (framing_ == Framing::chunked) {
            used += feed_chunked(rest, sink);
        } else {
            const std::size_t take = std::min<std::uint64_t>(rest.size(), left_);
            sink.on_body(rest.substr(0, take));
            left_ -= take;
            used += take;
            if (left_ == 0) state_ = State::done;
        }
    }
    return used;
}

bool ResponseReader::finish() noexcept {
    if (state_ == State::body && framing_ == Framing::until_close) state_ = State::done;
    return state_ == State::done;
}

std::size_t ResponseReader::feed_head(std::string_view bytes) {
    constexpr std::string_view end_mark = "\r\n\r\n";
    if (line_.empty()) {
        const std::size_t end = bytes.find(end_mark);
        if (end != std::string_view::npos) {
            end_head(bytes.substr(0, end + 2));
            return end + end_mark.size();
        }
    }
    // The mark may lie across two pieces: look from three bytes before this one.
    const std::size_t before = line_.size();
    line_ += bytes;
    const std::size_t end = line_.find(end_mark, before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
        if (line_.size() > head_bytes_max) state_ = State::malformed;
        return bytes.size();
    }
    const std::size_t used = end + end_mark.size() - before;
    const std::string head = line_.substr(0, end + 2);
    line_.clear();
    end_head(head);
    return used;
}

void ResponseReader::end_head(std::string_view head) {
    bool good = true;
    bool first = true;
    while (good && !head.empty()) {
        const std::size_t end = head.find("\r\n");
        const std::string_view line = head.substr(0, end);
        good = first ? parse_status_line(line) : parse_field(line);
        first = false;
        head.remove_prefix(end + 2);
    }
    if (!good || (has_length_ && has_coding_) || status_ == 101) {
        state_ = State::malformed;
        return;
    }
    if (status_ < 200) { // an interim response; the real one follows
        reset(to_head_);
        begun_ = true;
        return;
    }
    if (to_head_ || status_ == 204 || status_ == 304) {
        framing_ = Framing::none;
        left_ = 0;
    }
    const bool empty = framing_ == Framing::none || (framing_ == Framing::length && left_ == 0);
    state_ = empty ? State::done : State::body;
    if (framing_ == Framing::until_close) left_ = UINT64_MAX;
}

bool ResponseReader::parse_status_line(std::string_view line) noexcept {
    // HTTP/1.1 200 OK
    if (line.size() < 12 || !line.starts_with("HTTP/1.") || (line[7] != '0' && line[7] != '1') ||
        line[8] != ' ')
        return false;
    if (line.size() > 12 && line[12] != ' ') return false;
    const char* digits = line.data() + 9;
    const auto parsed = std::from_chars(digits, digits + 3, status_);
    keep_alive_ = line[7] == '1';
    return parsed.ec == std::errc{} && parsed.ptr == digits + 3 && status_ >= 100 && status_ < 600;
}

bool ResponseReader::parse_field(std::string_view line) noexcept {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    const std::string_view name = line.substr(0, colon);
    if (name.find_first_of(" \t\r\n") != std::string_view::npos) return false;
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (value.find_first_of("\r\n") != std::string_view::npos) return false;
    // Names of other lengths than these cannot matter.
    switch (name.size()) {
        case 10:
            if (equals(name, "connection")) {
                if (list_has(value, "close"))
                    keep_alive_ = false;
                else if (list_has(value, "keep-alive"))
                    keep_alive_ = true;
            }
            return true;
        case 12:
            if (equals(name, "content-type"))
                event_stream_ = equals(value.substr(0, 17), "text/event-stream");
            return true;
        case 14: return !equals(name, "content-length") || set_length(value);
        case 17:
            if (!equals(name, "transfer-encoding")) return true;
            if (has_coding_ || !equals(value, "chunked")) return false;
            has_coding_ = true;
            framing_ = Framing::chunked;
            return true;
        default: return true;
    }
}

bool ResponseReader::set_length(std::string_view value) noexcept {
    std::uint64_t length = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
    if (parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size()) return false;
    if (has_length_ && length != left_) return false;
    has_length_ = true;
    framing_ = Framing::length;
    left_ = length;
    return true;
}

std::size_t ResponseReader::feed_chunked(std::string_view bytes, BodySink& sink) {
    if (part_ != ChunkPart::data) return feed_chunk_line(bytes);
    const std::size_t take = std::min<std::uint64_t>(bytes.size(), left_);
    sink.on_body(bytes.substr(0, take));
    left_ -= take;
    if (left_ == 0) part_ = ChunkPart::data_end;
    return take;
}

std::size_t ResponseReader::feed_chunk_line(std::string_view bytes) {
    const std::size_t end = bytes.find('\n');
    const std::size_t take = end == std::string_view::npos ? bytes.size() : end + 1;
    line_ += bytes.substr(0, take);
    if (line_.size() > chunk_line_bytes_max) {
        state_ = State::malformed;
    } else if (end != std::string_view::npos) {
        if (line_.ends_with("\r\n"))
            end_chunk_line();
        else
            state_ = State::malformed;
        line_.clear();
    }
    return take;
}

void ResponseReader::end_chunk_line() noexcept {
    const std::string_view line{line_.data(), line_.size() - 2};
    if (part_ == ChunkPart::data_end) {
        if (!line.empty()) state_ = State::malformed;
        part_ = ChunkPart::size;
    } else if (part_ == ChunkPart::trailer) {
        if (line.empty()) state_ = State::done;
    } else {
        const auto parsed = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
        const bool at_end = parsed.ptr == line.data() + line.size();
        if (parsed.ec != std::errc{} || (!at_end && *parsed.ptr != ';' && *parsed.ptr != ' ')) {
            state_ = State::malformed;
            return;
        }
        if (left_ > 0) ++chunks_;
        part_ = left_ == 0 ? ChunkPart::trailer : ChunkPart::data;
    }
}

} // namespace headroom::load
