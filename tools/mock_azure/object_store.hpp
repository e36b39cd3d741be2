// Stored responses and files of one backend: why some requests must come back to the backend that answered
// before. Shared by all threads behind one mutex; the oldest objects are dropped beyond a bound.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace headroom::mock {

class ObjectStore {
  public:
    void put(std::string id, std::string json) {
        const std::lock_guard lock(mutex_);
        if (objects_.size() >= objects_max) objects_.pop_front();
        objects_.emplace_back(std::move(id), std::move(json));
    }

    std::optional<std::string> get(std::string_view id) const {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, json] : objects_) {
            if (name == id) return json;
        }
        return std::nullopt;
    }

    bool erase(std::string_view id) {
        const std::lock_guard lock(mutex_);
        return std::erase_if(objects_, [id](const auto& object) { return object.first == id; }) > 0;
    }

    void clear() {
        const std::lock_guard lock(mutex_);
        objects_.clear();
    }

    /// The objects whose id starts so, separated by commas.
    std::string list(std::string_view prefix) const {
        const std::lock_guard lock(mutex_);
        std::string all;
        for (const auto& [name, json] : objects_) {
            if (name.starts_with(prefix)) all += (all.empty() ? "" : ",") + json;
        }
        return all;
    }

  private:
    static constexpr std::size_t objects_max = 1'000;

    mutable std::mutex mutex_;
    std::deque<std::pair<std::string, std::string>> objects_;
};

} // namespace headroom::mock
