"""Tests of lookups.py, on units of two files."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
HEADER = "#pragma once\nnamespace our {\nvoid told(long value);\nextern int shared;\nstruct Size {\n  int value;\n};\n}\n"


class Lookups(unittest.TestCase):
    def said(self, first, second):
        """(exit status, what was said) of two files that are compiled as one."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "our.h").write_text(HEADER)
            for name, text in (("first", first), ("second", second)):
                (root / f"{name}.cc").write_text(f'#include "our.h"\nnamespace our {{\n{text}\n}}\n')
            unit = root / "unit.cxx"
            unit.write_text("".join(f'#include "{root}/{name}.cc"\n' for name in ("first", "second")))
            run = subprocess.run(
                [sys.executable, HERE / "lookups.py", unit, "--", f"-I{root}", "-std=c++20"],
                capture_output=True,
                text=True,
                check=False,
            )
            return run.returncode, run.stdout.replace(str(root), "")

    def test_a_function_that_takes_the_place_of_anothers(self):
        status, said = self.said("namespace { void told(int) {} }", "void use() { told(1); }")
        self.assertEqual(status, 1)
        self.assertIn("/second.cc:3: refers to told of /first.cc:3", said)

    def test_a_constant(self):
        status, said = self.said("namespace { constexpr int kMost = 1; }", "int most() { return kMost; }")
        self.assertEqual((status, said.count("\n")), (1, 1), said)

    def test_a_type(self):
        status, said = self.said("namespace { struct Kept {}; }", "void use() { Kept kept; (void)kept; }")
        self.assertEqual(status, 1, said)

    def test_an_operator(self):
        first = "namespace { bool operator<(Size a, Size b) { return a.value < b.value; } }"
        status, said = self.said(first, "bool use(Size a) { return a < a; }")
        self.assertEqual(status, 1, said)

    def test_what_a_header_declares_is_for_all(self):
        first = "void told(long) {}\nint shared = 1;"
        self.assertEqual(self.said(first, "void use() { told(shared); }"), (0, ""))

    def test_what_each_has_for_itself(self):
        first = "namespace { using Kind = long; int one() { return 1; } Kind kind() { return one(); } }"
        second = "namespace { using Kind = long; int two(int one) { return one; } Kind other() { return two(2); } }"
        self.assertEqual(self.said(first, second), (0, ""))

    def test_a_unit_that_cannot_be_read(self):
        self.assertEqual(self.said("this is no C++", "")[0], 2)


if __name__ == "__main__":
    unittest.main()
