// A credential held in memory: it can be compared and sent, but not printed by accident.
// Shared by the configuration, the request rewriting and the identity client.
// Promises: no stream operator, no conversion to text, bytes overwritten on destruction.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace headroom::core {

/// A key or token; `reveal()` is the only way to its bytes, so that a search finds every use.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.wipe(); }
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            wipe();
            bytes_ = other.bytes_;
        }
        return *this;
    }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            bytes_.swap(other.bytes_);
        }
        return *this;
    }
    ~Secret() { wipe(); }

    /// The bytes themselves, valid while this object lives; never pass them to a log.
    [[nodiscard]] std::string_view reveal() const noexcept { return bytes_; }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    /// What may be shown to people: "not set" or "set (32 characters)".
    [[nodiscard]] std::string description() const;
    friend bool operator==(const Secret&, const Secret&) = default;

  private:
    void wipe() noexcept;

    std::string bytes_;
};

} // namespace headroom::core
