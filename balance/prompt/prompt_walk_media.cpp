// Images, recordings and files: charged by what they show, never tokenized.
#include "balance/prompt/media_head.hpp"
#include "balance/prompt/prompt_walk.hpp"

namespace headroom::balance {
namespace {

// A token of a user's recording lasts this long.
constexpr std::uint64_t audio_token_milliseconds = 100;
// Text and pictures of pages; formats differ widely, so this is only where learning starts.
constexpr std::uint64_t file_bytes_per_token = 64;

} // namespace

void PromptWalk::image_url(Value& value, Image& image) noexcept {
    if (json_.kind(value) == Kind::string) {
        image.present = true;
        image.url = json_.raw_string(value);
        return;
    }
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "url" && json_.kind(member) == Kind::string) {
            image.present = true;
            image.url = json_.raw_string(member);
        } else if (name == "detail") {
            image_detail(member, image);
        }
    });
}

void PromptWalk::image_detail(Value& value, Image& image) noexcept {
    const std::string_view word = json_.raw_string(value);
    if (word == "low")
        image.detail = ImageDetail::low;
    else if (word == "high")
        image.detail = ImageDetail::high;
    else if (word == "original")
        image.detail = ImageDetail::original;
    else
        image.detail = ImageDetail::automatic;
}

void PromptWalk::add_image(const Image& image) noexcept {
    if (!image.present) return;
    const std::string_view payload = data_uri_payload(image.url);
    const ImageSize size = payload.empty() ? ImageSize{} : image_size(payload);
    PartTotal& total = parts_.of(PromptPart::images);
    ++total.items;
    total.tokens += image_tokens(rules_.image, size, image.detail, fidelity_);
    total.bytes += payload.size();
    // With low detail all images cost the same, at least in tiles.
    const bool alike = image.detail == ImageDetail::low && rules_.image.kind == ImageRule::Kind::tiles;
    if (size.known() || alike) return;
    ++parts_.images_unknown;
    parts_.exact = false;
}

void PromptWalk::add_embedded_image(std::string_view base64) noexcept {
    const ImageSize size = image_size(base64);
    PartTotal& total = parts_.of(PromptPart::images);
    ++total.items;
    total.tokens += image_tokens(rules_.image, size, ImageDetail::automatic);
    total.bytes += base64.size();
    if (size.known()) return;
    ++parts_.images_unknown;
    parts_.exact = false;
}

void PromptWalk::audio(Value& value) noexcept {
    std::string_view data;
    std::string_view format;
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "data") data = json_.raw_string(member);
        if (name == "format") format = json_.raw_string(member);
    });
    if (data.empty()) return;
    const std::string_view payload = data_uri_payload(data);
    const std::uint64_t length = audio_milliseconds(payload.empty() ? data : payload, format);
    PartTotal& total = parts_.of(PromptPart::audio);
    ++total.items;
    total.tokens += (length + audio_token_milliseconds - 1) / audio_token_milliseconds;
    total.bytes += data.size();
    parts_.exact = false;
}

void PromptWalk::file(Value& value, File& given) noexcept {
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (json_.kind(member) != Kind::string) return;
        if (name == "file_data") given = {true, json_.raw_string(member)};
        if (name == "file_id" || name == "file_url") given.present = true;
    });
}

void PromptWalk::add_file(const File& given) noexcept {
    if (!given.present) return;
    PartTotal& total = parts_.of(PromptPart::files);
    ++total.items;
    parts_.exact = false;
    if (given.data.empty()) {
        ++parts_.files_unknown;
        return;
    }
    const std::string_view payload = data_uri_payload(given.data);
    const std::uint64_t bytes = std::uint64_t{payload.empty() ? given.data.size() : payload.size()} / 4 * 3;
    parts_.file_bytes += bytes;
    total.bytes += given.data.size();
    total.tokens += (bytes + file_bytes_per_token - 1) / file_bytes_per_token;
}

} // namespace headroom::balance
