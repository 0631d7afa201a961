"""Gives two files of a folder functions of one name and expects them to be found."""

import pathlib
import tempfile
import unittest

from check_names import check

FILE = "namespace a {\nnamespace {\n\n%s\n\n}  // namespace\n\n%s\n}  // namespace a\n"


class Names(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def problems_of(self, first, second, paths=("src/base/one.cc", "src/base/two.cc")):
        for path, (hidden, seen) in zip(paths, (first, second)):
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(FILE % (hidden, seen))
        return check(self.root)

    def test_one_name_in_two_files(self):
        for first, second in (
            ("int same(int a) {\n  return a;\n}", "Error same(std::string_view what) { return {}; }"),
            ("const std::map<int, int>& same() {\n}", "std::string* same(\n    int a) {\n}"),
            ("template <typename T>\nvoid same(T a) {\n}", "void same(int a);"),
        ):
            problems = self.problems_of((first, ""), (second, ""))
            self.assertEqual(len(problems), 1, second)
            self.assertIn("same()", problems[0])
            self.assertRegex(problems[0], r"src/base/one\.cc:\d and src/base/two\.cc:\d")

    def test_what_is_no_such_function(self):
        function = "int same(int a) {\n  return same(a);\n}"
        self.assertEqual(self.problems_of((function, ""), ("", function)), [], "seen by all: the linker's")
        self.assertEqual(self.problems_of((function + "\n" + function, ""), ("", "")), [], "in one file")
        self.assertEqual(self.problems_of((function, ""), ("struct A {\n  int same(int a);\n};", "")), [], "a member")
        self.assertEqual(self.problems_of((function, ""), ("int other() {\n  return same(1);\n}", "")), [], "a call")
        self.assertEqual(
            self.problems_of((function, ""), (function, ""), ("src/base/one.cc", "src/crypto/two.cc")), []
        )


if __name__ == "__main__":
    unittest.main()
