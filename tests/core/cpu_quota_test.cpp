// Worker count and memory bound from invented /proc and /sys trees: cgroup v2, v1, both, containers,
// nonsense.
#include "core/cpu_quota.hpp"

#include "core/memory_quota.hpp"
#include "tests/core/config/loading.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace headroom::core {
namespace {

constexpr std::uint64_t mib = 1ULL << 20U;

class Quota : public ::testing::Test {
  protected:
    void groups(std::string_view text) { folder_.write("proc/self/cgroup", text); }
    void mounts(std::string_view text) { folder_.write("proc/self/mountinfo", text); }
    void file(const std::string& name, std::string_view text) {
        folder_.write("sys/fs/cgroup/" + name, text);
    }
    unsigned cpus(unsigned affinity = 64) { return usable_cpus(folder_.path(), affinity); }
    std::uint64_t memory() { return usable_memory_bytes(folder_.path()); }

    static constexpr std::string_view v2_mount =
        "22 1 0:21 / /proc rw - proc proc rw\n"
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    testing::TemporaryFolder folder_;
};

TEST_F(Quota, WithoutAnyGroupIsTheAffinity) {
    EXPECT_EQ(cpus(6), 6U);
    EXPECT_EQ(cpus(0), 1U);
    EXPECT_EQ(cpus(100'000), 256U);
    EXPECT_EQ(memory(), 0U);
    EXPECT_EQ(memory_bound_bytes(0, folder_.path()), 1024 * mib);
    EXPECT_EQ(memory_bound_bytes(5 * mib, folder_.path()), 5 * mib);
}

TEST_F(Quota, IsRoundedUp) {
    groups("0::/\n");
    mounts(v2_mount);
    const std::pair<const char*, unsigned> cases[] = {
        {"max 100000\n", 64},   {"50000 100000\n", 1},  {"100000 100000\n", 1},
        {"100001 100000\n", 2}, {"150000 100000\n", 2}, {"25000 10000", 3},
        {"1 1000000", 1},       {"6400000 100000", 64}, {"99999999 100000\n", 64}};
    for (const auto& [text, expected] : cases) {
        file("cpu.max", text);
        EXPECT_EQ(cpus(), expected) << text;
    }
}

TEST_F(Quota, IsTheTightestOfAllAncestors) {
    groups("0::/kubepods.slice/pod1.slice/box.scope\n");
    mounts(v2_mount);
    file("kubepods.slice/pod1.slice/box.scope/cpu.max", "800000 100000\n");
    EXPECT_EQ(cpus(), 8U);
    file("kubepods.slice/pod1.slice/cpu.max", "300000 100000\n");
    EXPECT_EQ(cpus(), 3U);
    file("kubepods.slice/cpu.max", "400000 100000\n");
    EXPECT_EQ(cpus(), 3U);
    EXPECT_EQ(cpus(2), 2U);
    file("kubepods.slice/pod1.slice/box.scope/memory.max", "max\n");
    file("kubepods.slice/memory.max", "536870912\n");
    EXPECT_EQ(memory(), 512 * mib);
    EXPECT_EQ(memory_bound_bytes(0, folder_.path()), 256 * mib);
}

TEST_F(Quota, IsReadFromVersion1) {
    groups("5:memory:/docker/abc\n4:cpuset:/\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n");
    // A container sees its own group as the root of the mount.
    mounts(
        "40 39 0:33 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup rw,cpu,cpuacct\n"
        "41 39 0:34 /docker/abc /sys/fs/cgroup/memory ro master:10 - cgroup cgroup rw,memory\n"
        "42 39 0:35 /docker/abc /sys/fs/cgroup/cpuset ro master:11 - cgroup cgroup rw,cpuset\n");
    file("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    file("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    file("memory/memory.limit_in_bytes", "9223372036854771712\n");
    folder_.write("proc/meminfo", "MemTotal:       4096 kB\nMemFree:        12 kB\n");
    EXPECT_EQ(cpus(), 64U);
    EXPECT_EQ(memory(), 4 * mib);
    file("cpu,cpuacct/cpu.cfs_quota_us", "220000\n");
    file("memory/memory.limit_in_bytes", "2097152\n");
    EXPECT_EQ(cpus(), 3U);
    EXPECT_EQ(memory(), 2 * mib);
}

TEST_F(Quota, IsReadFromNestedGroupsOfVersion1) {
    groups("3:cpu:/a/b\n");
    mounts("40 39 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
    file("cpu/a/cpu.cfs_quota_us", "200000\n");
    file("cpu/a/cpu.cfs_period_us", "50000\n");
    file("cpu/a/b/cpu.cfs_quota_us", "500000\n");
    file("cpu/a/b/cpu.cfs_period_us", "50000\n");
    EXPECT_EQ(cpus(), 4U);
}

TEST_F(Quota, OfHybridsIsTheTighterOne) {
    groups("3:cpu:/x\n0::/x\n");
    mounts(
        "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "40 39 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
    file("cpu/x/cpu.cfs_quota_us", "500000\n");
    file("cpu/x/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(cpus(), 5U);
    file("unified/x/cpu.max", "200000 100000\n");
    EXPECT_EQ(cpus(), 2U);
}

TEST_F(Quota, SurvivesOddPaths) {
    // A group outside of our namespace, a mount point with a blank, lines that make no sense.
    groups("nonsense\n0::/../../other\n");
    mounts("\n - \n30 23 0:26 / /sys/fs/cgroup/my\\040groups rw - cgroup2 none rw\nx - y\n");
    file("my groups/cpu.max", "200000 100000\n");
    EXPECT_EQ(cpus(), 2U);
    for (const auto* text :
         {"", "max", "a b", "-5 100000", "100000 0", "0 100000", "99999999999999999999 1"}) {
        file("my groups/cpu.max", text);
        EXPECT_EQ(cpus(), 64U) << text;
    }
    folder_.write("proc/meminfo", "MemTotal: 99999999999999999999 kB\n");
    EXPECT_EQ(memory(), 0U);
}

TEST_F(Quota, OfThisMachineIsSane) {
    EXPECT_GE(usable_cpus(), 1U);
    EXPECT_LE(usable_cpus(), std::max(1U, std::thread::hardware_concurrency()));
    EXPECT_GT(memory_bound_bytes(0), 16 * mib);
}

} // namespace
} // namespace headroom::core
