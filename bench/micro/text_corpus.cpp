// Files by folder and ending; message catalogues (.mo) give text in languages in which a machine has no other
// files.
#include "bench/micro/text_corpus.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace headroom::bench {
namespace {

constexpr std::size_t document_max = 60'000;
constexpr std::size_t class_max = 3'000'000;

std::string read(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// The translations of a .mo file, a line each (GNU gettext manual, section 10.3).
std::string translations(const std::string& file) {
    const auto word = [&](std::size_t at) {
        std::uint32_t value = 0;
        if (at + 4 <= file.size()) std::memcpy(&value, file.data() + at, 4);
        return value;
    };
    std::string text;
    for (std::uint32_t i = 1; i < std::min(word(8), 100'000U); ++i) {
        const std::size_t size = word(word(16) + 8 * std::size_t{i});
        const std::size_t at = word(word(16) + 8 * std::size_t{i} + 4);
        if (at + size <= file.size()) text.append(file, at, size).push_back('\n');
    }
    return text;
}

std::vector<std::filesystem::path> find(std::string_view folder, std::string_view ending) {
    std::vector<std::filesystem::path> found;
    std::error_code error;
    std::filesystem::recursive_directory_iterator at(
        folder, std::filesystem::directory_options::skip_permission_denied, error);
    for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
        const std::string name = at->path().filename();
        if (name.ends_with(ending) && at->is_regular_file(error)) found.push_back(at->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

TextClass load(std::string name, const std::vector<std::string_view>& folders, std::string_view ending) {
    TextClass texts{std::move(name), {}};
    std::size_t bytes = 0;
    for (const std::string_view folder : folders) {
        const std::vector<std::filesystem::path> files = find(folder, ending);
        // Evenly spread over the folder, so that neighbours that are alike do not fill the class.
        const std::size_t step = std::max<std::size_t>(1, files.size() / 150);
        for (std::size_t i = 0; i < files.size() && bytes < class_max; i += step) {
            std::string text = read(files[i]);
            if (ending == ".mo") text = translations(text);
            // A cut must not leave half a character.
            std::size_t end = std::min(text.size(), document_max);
            while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
                --end;
            text.resize(end);
            if (text.size() < 400) continue;
            bytes += text.size();
            texts.documents.push_back(std::move(text));
        }
    }
    return texts;
}

} // namespace

std::size_t TextClass::bytes() const {
    std::size_t sum = 0;
    for (const std::string& document : documents)
        sum += document.size();
    return sum;
}

const std::vector<TextClass>& text_corpus() {
    static const std::vector<TextClass> corpus = [] {
        std::vector<TextClass> all;
        all.push_back(load("english", {"/usr/share/doc", "/usr/share/common-licenses"}, "copyright"));
        all.push_back(load("cpp", {"/usr/include/c++", "/usr/include"}, ".h"));
        all.push_back(load("json", {"/usr/share", "/usr/lib"}, ".json"));
        all.push_back(load("python", {"/usr/lib/python3"}, ".py"));
        const auto language = [&](const char* name, const std::string& code) {
            const std::string folder = "/usr/share/locale/" + code;
            all.push_back(load(name, {folder}, ".mo"));
        };
        language("spanish", "es");
        language("french", "fr");
        language("russian", "ru");
        language("chinese", "zh_CN");
        language("japanese", "ja");
        language("korean", "ko");
        return all;
    }();
    return corpus;
}

} // namespace headroom::bench
