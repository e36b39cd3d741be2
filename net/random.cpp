// Random: seeding and stepping xoshiro256**.
#include "net/random.hpp"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace headroom::net {
namespace {

std::uint64_t system_seed() noexcept {
    std::uint64_t seed = 0;
    if (::getrandom(&seed, sizeof seed, 0) == sizeof seed && seed != 0) return seed;
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

} // namespace

Random::Random(std::uint64_t seed) noexcept {
    std::uint64_t step = seed != 0 ? seed : system_seed();
    for (std::uint64_t& word : state_) {
        step += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = step;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        word = mixed ^ (mixed >> 31U);
    }
}

std::uint64_t Random::next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

void draw_secret(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t drawn = ::getrandom(bytes.data(), bytes.size(), 0);
        if (drawn < 0 && errno == EINTR) continue;
        if (drawn <= 0) throw std::system_error(errno, std::generic_category(), "cannot draw a random key");
        bytes = bytes.subspan(static_cast<std::size_t>(drawn));
    }
}

} // namespace headroom::net
