// Loads configurations in tests: a folder of its own for the files, an invented environment, flags as typed.
// Shared by the tests of core/config and of check.
#pragma once

#include "core/config/load.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core::testing {

/// A fresh folder, removed with all its files at the end.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "headroom-test-XXXXXX").string();
        path_ = ::mkdtemp(name.data()) == nullptr ? std::string{} : name;
        EXPECT_FALSE(path_.empty());
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }

    /// Writes a file, folders included, and returns its path.
    std::string write(std::string_view name, std::string_view bytes) const {
        const auto file = std::filesystem::path{path_} / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << bytes;
        return file.string();
    }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// The folder of the sources: named by HEADROOM_SOURCE_DIR, else the nearest one above that holds a LICENSE.
inline std::filesystem::path source_folder() {
    if (const char* named = std::getenv("HEADROOM_SOURCE_DIR")) return named; // NOLINT(concurrency-mt-unsafe)
    auto folder = std::filesystem::current_path();
    while (folder.has_relative_path() && !std::filesystem::exists(folder / "LICENSE"))
        folder = folder.parent_path();
    return folder;
}

using Variables = std::vector<Environment::Variable>;

class Loading : public ::testing::Test {
  protected:
    /// A file "headroom.yaml" with this text, these variables, these arguments after the program's name.
    Loaded load(std::string_view yaml, Variables variables = {}, std::vector<const char*> arguments = {}) {
        auto parsed = parse_options(arguments);
        EXPECT_EQ(parsed.error, "");
        if (!yaml.empty()) parsed.options.config_file = folder_.write("headroom.yaml", yaml);
        return load_config(parsed.options, Environment{std::move(variables)});
    }
    Loaded load_environment(Variables variables, std::vector<const char*> arguments = {}) {
        return load({}, std::move(variables), std::move(arguments));
    }

    /// The findings as printed, with the folder's name left out.
    std::vector<std::string> lines(const Loaded& loaded) const {
        std::vector<std::string> texts;
        for (const auto& finding : loaded.findings.all()) {
            auto text = to_string(finding);
            for (auto at = text.find(folder_.path()); at != std::string::npos; at = text.find(folder_.path()))
                text.erase(at, folder_.path().size() + 1);
            texts.push_back(std::move(text));
        }
        return texts;
    }
    std::vector<std::string> mistakes(const Loaded& loaded) const { return of_kind(loaded, "mistake: "); }
    std::vector<std::string> warnings(const Loaded& loaded) const { return of_kind(loaded, "warning: "); }

    TemporaryFolder folder_;

  private:
    std::vector<std::string> of_kind(const Loaded& loaded, std::string_view kind) const {
        auto texts = lines(loaded);
        std::erase_if(texts, [&](const std::string& text) { return text.find(kind) == std::string::npos; });
        return texts;
    }
};

} // namespace headroom::core::testing
