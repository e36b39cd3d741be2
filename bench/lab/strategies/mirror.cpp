// Headroom's balancer, and the same with one part switched off each.
#include "bench/lab/mirror.hpp"

namespace headroom::lab {
namespace {

template <bool Queue, bool Learning, bool Affinity, bool SizeMemory>
std::unique_ptr<Strategy> make_mirror(const Setting& setting) {
    return std::make_unique<Mirror>(setting, MirrorParts{Queue, Learning, Affinity, SizeMemory});
}

const Registered whole({"mirror", "Headroom: a twin of every quota, reservations, a queue (balance/)",
                        make_mirror<true, true, true, true>, false, 0});
const Registered no_queue({"mirror-no-queue", "Headroom without waiting",
                           make_mirror<false, true, true, true>, false, 1});
const Registered no_learning({"mirror-no-learning", "Headroom without looking at header fields",
                              make_mirror<true, false, true, true>, false, 2});
const Registered no_affinity({"mirror-no-affinity", "Headroom without knowing how prompts begin",
                              make_mirror<true, true, false, true>, false, 3});
const Registered no_size({"mirror-no-size", "Headroom that takes a 429 to hold for requests of every size",
                          make_mirror<true, true, true, false>, false, 4});

} // namespace
} // namespace headroom::lab
