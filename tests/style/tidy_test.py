"""Proof that every rule of tools/tidy.py fires on a planted violation, at its line, and stays silent on clean code."""
import importlib.util
import pathlib
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("tidy", ROOT / "tools" / "tidy.py")
tidy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tidy)

HEADER = "// Counts apples in baskets.\n#pragma once\n"


def in_namespace(folder, body):
    return f"// Counts apples in baskets.\nnamespace headroom::{folder} {{\n{body}\n}}  // namespace\n"


class Tree(unittest.TestCase):
    """Each test plants files in an empty tree and names the findings it expects."""

    def findings(self, **files):
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                file = pathlib.Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            return tidy.findings(folder)

    def expect(self, rule, line, path, text, **others):
        """The one finding is `rule` at path:line."""
        found = [(at, number, name) for at, number, name, _, _ in self.findings(**{path: text}, **others)]
        self.assertEqual(found, [(path, line, rule)])

    def expect_clean(self, path, text, **others):
        self.assertEqual(self.findings(**{path: text}, **others), [])


class Layers(Tree):
    def test_net_must_not_include_balance(self):
        self.expect("layers", 4, "net/a.cpp", in_namespace("net", '}\n#include "balance/b.hpp"\nnamespace {'))

    def test_balance_must_not_include_net(self):
        self.expect("layers", 4, "balance/a.cpp", in_namespace("balance", '}\n#include "net/b.hpp"\nnamespace {'))

    def test_net_and_balance_must_not_include_core(self):
        for folder in ("net", "balance"):
            self.expect("layers", 3, f"{folder}/a.cpp", in_namespace(folder, '#include "core/b.hpp"'))

    def test_core_joins_both(self):
        self.expect_clean("core/a.cpp", in_namespace("core", '#include "net/b.hpp"\n#include "balance/c.hpp"'))

    def test_balance_may_use_std_and_simdjson_only(self):
        for target in ("unistd.h", "openssl/ssl.h", "boost/asio.hpp", "fmt/core.h", "liburing.h"):
            self.expect("layers", 3, "balance/a.cpp", in_namespace("balance", f"#include <{target}>"))
        self.expect_clean("balance/a.cpp", in_namespace("balance", "#include <span>\n#include <simdjson.h>"))

    def test_net_may_use_its_libraries_only(self):
        for target in ("boost/asio.hpp", "fmt/core.h", "simdjson.h", "yaml-cpp/yaml.h"):
            self.expect("layers", 3, "net/a.cpp", in_namespace("net", f"#include <{target}>"))
        self.expect_clean("net/a.cpp", in_namespace(
            "net", "#include <liburing.h>\n#include <openssl/ssl.h>\n#include <llhttp.h>\n#include <sys/socket.h>"))

    def test_boost_belongs_to_the_control_thread(self):
        self.expect("layers", 3, "core/a.cpp", in_namespace("core", "#include <boost/asio.hpp>"))
        self.expect_clean("core/control/a.cpp", in_namespace("core", "#include <boost/asio.hpp>"))

    def test_the_mock_shares_no_code_with_what_it_tests(self):
        self.expect("layers", 2, "tools/mock_azure/a.cpp", '// Answers like Azure does.\n#include "net/http.hpp"\n')

    def test_product_must_not_include_tests(self):
        self.expect("layers", 3, "core/a.cpp", in_namespace("core", '#include "tests/b.hpp"'))

    def test_includes_are_rooted(self):
        self.expect("layers", 3, "net/a.cpp", in_namespace("net", '#include "loop.hpp"'))


class Purity(Tree):
    def test_balance_has_no_clock_thread_exception_or_output(self):
        for code in ("auto t = std::chrono::steady_clock::now();", "std::mutex m;", "std::thread t;", "void f() { throw 1; }",
                     'void f() { std::cerr << 1; }', "std::random_device d;"):
            self.expect("balance_is_pure", 3, "balance/a.cpp", in_namespace("balance", code))

    def test_comments_and_strings_are_not_code(self):
        self.expect_clean("balance/a.cpp", in_namespace(
            "balance", '// never calls steady_clock::now() or throw\nconst char* text = "throw std::mutex";'))

    def test_net_knows_no_llm_words(self):
        for code in ("int tokens_left;", "// one per model", "int quota_;", "// the prompt", "int azure_port;"):
            self.expect("net_is_sans_llm", 3, "net/a.cpp", in_namespace("net", code))

    def test_the_token_of_the_grammar_is_no_llm_word(self):
        self.expect_clean("net/a.cpp", in_namespace("net", "// a token of RFC 9110 §5.6.2\nint tokenize;"))

    def test_only_loops_read_clocks(self):
        code = "auto t = std::chrono::steady_clock::now();"
        self.expect("loop_owns_time", 3, "net/a.cpp", in_namespace("net", code))
        self.expect("loop_owns_time", 3, "core/a.cpp", in_namespace("core", code))
        self.expect_clean("net/loop_uring.cpp", in_namespace("net", code))
        self.expect_clean("core/control/a.cpp", in_namespace("core", code))


class Sizes(Tree):
    def test_a_file_has_at_most_400_lines(self):
        self.expect_clean("net/a.cpp", in_namespace("net", "\n" * 396))
        self.expect("sizes", 401, "net/a.cpp", in_namespace("net", "\n" * 397))

    def function(self, head, lines):
        return in_namespace("net", head + " {\n" + "    if (x) {\n        call();\n    }\n" * (lines // 3) + "}")

    def test_a_function_has_at_most_60_lines(self):
        for head in ("void f(int x)", "Task<void> Loop::run(int x) noexcept", "Session::Session(int x) : x_(x)",
                     "auto f(int x) -> decltype(x)", "bool operator==(const A& a, const B& b)"):
            self.expect("sizes", 3, "net/a.cpp", self.function(head, 60))
            self.expect_clean("net/a.cpp", self.function(head, 57))

    def test_a_long_class_is_not_a_function(self):
        self.expect_clean("net/a.cpp", in_namespace("net", "class A {\n" + "    void f() {\n    }\n" * 40 + "};"))


class Names(Tree):
    def test_empty_names_are_refused(self):
        for path in ("net/util.cpp", "net/string_utils.cpp", "net/types.cpp", "net/common/a.cpp", "net/socket_impl.cpp"):
            self.expect("names", 1, path, in_namespace("net", ""))
        self.expect_clean("net/media_types.cpp", in_namespace("net", ""))


class Form(Tree):
    def test_the_first_line_says_what_the_file_is_for(self):
        self.expect("first_line", 1, "core/a.cpp", "#include <span>\nnamespace headroom::core {}\n")
        self.expect("first_line", 1, "tools/a.py", "import os\n")
        self.expect("first_line", 2, "tools/a", "#!/bin/sh\nexit\n")
        self.expect("first_line", 1, "tests/e2e/a.mjs", "import x from 'y';\n")
        self.expect("first_line", 1, "tools/cmake/A.cmake", "set(a b)\n")

    def test_headers_are_guarded(self):
        self.expect("header_form", 1, "net/a.hpp", in_namespace("net", ""),
                    **{"net/a.cpp": '// Uses the header.\n#include "net/a.hpp"\nnamespace headroom::net {}\n'})

    def test_a_folder_is_a_namespace(self):
        self.expect("header_form", 1, "net/a.cpp", "// Counts apples in baskets.\nint x;\n")

    def test_a_header_is_included_by_someone(self):
        self.expect("dead_headers", 1, "tests/a.hpp", HEADER)
        self.expect_clean("tests/a.hpp", HEADER, **{"tests/a.cpp": '// Uses the header.\n#include "tests/a.hpp"\n'})


class Words(Tree):
    def test_plans(self):
        for word in ("TODO", "FIXME", "XXX", "HACK"):
            self.expect("words", 3, "core/a.cpp", in_namespace("core", f"// {word}: later"))
            self.expect("words", 2, "tools/a.sh", f"# Does one thing well.\n# {word}\n")

    def test_tickets_authors_and_dates(self):
        for comment in ("see #12", "issue 7", "Author: me", "since 2025-01-31"):
            self.expect("words", 3, "core/a.cpp", in_namespace("core", f"// {comment}"))

    def test_api_versions_colours_and_anchors_are_not_dates_or_tickets(self):
        self.expect_clean("core/a.cpp", in_namespace(
            "core", '// api-version 2024-10-21 is the oldest that answers\nconst char* blue = "#123";'))

    def test_no_place_of_one_machine(self):
        host = "registry." + "npmjs.org"
        self.expect("places", 1, "tests/e2e/package-lock.json", f'{{"resolved": "https://{host}/x"}}\n')
        self.expect("places", 3, "docs/a.md", "# Page\n\nsee /work/shared/design.md\n")


class Threads(Tree):
    def test_a_memory_order_says_what_it_orders(self):
        code = "x.store(1, std::memory_order_release);"
        self.expect("memory_orders", 5, "core/a.cpp", in_namespace("core", "\n\n" + code))
        self.expect_clean("core/a.cpp", in_namespace("core", "// publishes what was written before\n" + code))
        self.expect_clean("core/a.cpp", in_namespace("core", "\n\nx.store(1, std::memory_order_relaxed);"))


class HonestTests(Tree):
    def test_tests_do_not_sleep(self):
        for code in ("std::this_thread::sleep_for(1s);", "usleep(1);"):
            self.expect("test_waits", 2, "tests/net/a_test.cpp", f"// Tests the loop.\n{code}\n")
        for code in ("await setTimeout(100);", "await new Promise(r => setTimeout(r, 5));"):
            self.expect("test_waits", 2, "tests/e2e/a.mjs", f"// Drives the proxy.\n{code}\n")

    def test_tests_bind_port_zero(self):
        self.expect("test_ports", 2, "tests/e2e/a.mjs", "// Drives the proxy.\nserver.listen(8080);\n")
        self.expect("test_ports", 2, "tests/net/a_test.cpp", "// Tests the loop.\naddress.sin_port = htons(8080);\n")
        self.expect_clean("tests/e2e/a.mjs", "// Drives the proxy.\nserver.listen(0);\n")

    def test_an_exception_needs_a_reason(self):
        reason = "// tidy: allow test_waits: the kernel offers no event for this\nusleep(1);\n"
        self.expect_clean("tests/net/a_test.cpp", "// Tests the loop.\n" + reason)
        self.expect("test_waits", 3, "tests/net/a_test.cpp",
                    "// Tests the loop.\n" + reason.replace("the kernel offers no event for this", ""))


class EveryRule(unittest.TestCase):
    def test_is_proved_here(self):
        source = pathlib.Path(__file__).read_text(encoding="utf-8")
        for rule in tidy.FILE_RULES + tidy.TREE_RULES:
            self.assertIn(f'"{rule.__name__}"', source)


if __name__ == "__main__":
    unittest.main()
