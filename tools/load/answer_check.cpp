// Equality with the first body is a memcmp; the digest is only computed when one was asked for.
#include "tools/load/answer_check.hpp"

#include <algorithm>
#include <stdexcept>

namespace headroom::load {

AnswerCheck::AnswerCheck(const Expectation& expectation, Reference& reference)
    : expectation_(&expectation), reference_(&reference) {
    if (expectation.body_sha256) {
        digest_.reset(EVP_MD_CTX_new());
        if (!digest_) throw std::runtime_error("OpenSSL has no memory for a digest");
    }
    reset();
}

void AnswerCheck::reset() noexcept {
    events_.reset();
    body_bytes_ = 0;
    differs_ = false;
    learns_ = !reference_->known;
    learned_.clear();
    if (digest_) differs_ = EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr) != 1;
}

std::uint64_t AnswerCheck::body(std::string_view bytes, bool is_event_stream) {
    if (learns_) {
        if (learned_.size() + bytes.size() <= reference_->bytes_max)
            learned_ += bytes;
        else
            learns_ = false;
    } else if (expectation_->same_body && !differs_) {
        const std::string& wanted = reference_->body;
        differs_ = body_bytes_ + bytes.size() > wanted.size() ||
                   bytes != std::string_view{wanted}.substr(body_bytes_, bytes.size());
    }
    if (digest_ && EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size()) != 1) differs_ = true;
    body_bytes_ += bytes.size();
    return is_event_stream ? events_.feed(bytes) : 0;
}

Failure AnswerCheck::verdict(int status, bool is_event_stream, bool to_head) {
    if (!status_is_good(status)) return Failure::status;
    if (to_head) return Failure::none;
    if (expectation_->body_bytes && *expectation_->body_bytes != body_bytes_) return Failure::length;
    if (is_event_stream && expectation_->stream_end && status < 300 &&
        (!events_.ended() || events_.failed())) {
        return Failure::stream;
    }
    if (differs_ || !digest_is_good()) return Failure::body;
    if (learns_ && !reference_->known) {
        reference_->body = learned_;
        reference_->known = true;
        return Failure::none;
    }
    if (!expectation_->same_body) return Failure::none;
    // A response that began before the reference was known is compared now, as a whole.
    const bool same = learns_ ? learned_ == reference_->body : body_bytes_ == reference_->body.size();
    return reference_->known && same ? Failure::none : Failure::body;
}

bool AnswerCheck::status_is_good(int status) const noexcept {
    const auto& wanted = expectation_->statuses;
    if (wanted.empty()) return status >= 200 && status < 300;
    return std::find(wanted.begin(), wanted.end(), status) != wanted.end();
}

bool AnswerCheck::digest_is_good() {
    if (!digest_) return true;
    Sha256 found{};
    return EVP_DigestFinal_ex(digest_.get(), found.data(), nullptr) == 1 &&
           found == *expectation_->body_sha256;
}

Sha256 sha256(std::string_view bytes) {
    Sha256 digest{};
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL cannot compute SHA-256");
    }
    return digest;
}

std::string to_hex(const Sha256& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

std::optional<Sha256> from_hex(std::string_view text) {
    if (text.size() != 64) return std::nullopt;
    Sha256 digest{};
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        unsigned digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<unsigned>(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = static_cast<unsigned>(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = static_cast<unsigned>(c - 'A') + 10;
        else
            return std::nullopt;
        digest[i / 2] = static_cast<unsigned char>(digest[i / 2] * 16U + digit);
    }
    return digest;
}

} // namespace headroom::load
