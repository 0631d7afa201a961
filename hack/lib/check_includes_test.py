"""Plants violations in a small tree and expects each to be found."""

import pathlib
import tempfile
import unittest

from check_includes import Rules, check

TABLE = """
| folder | may use | third-party headers | what it is |
|---|---|---|---|
| `base` | | | the ground |
| `codec` | base | `nlohmann/` `simdjson.h` | texts |
| `attest` | codec | | verdicts |
| `kube` | base | | the cluster |
| `adapters` | attest kube | `posix` `boost/` | the world |
| *deployables* | adapters | `CLI/` | programs |
"""


class Includes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.write("src/README.md", TABLE)
        for name in ("base", "codec", "attest", "kube", "adapters"):
            self.write(f"src/{name}/{name}.h", "#pragma once\n#include <vector>\n")
        self.write("agent/main.cc", '#include <CLI/CLI.hpp>\n#include "agent/wiring.h"\n#include "kube/kube.h"\n')
        self.write("agent/wiring.h", '#include "adapters/adapters.h"\n')

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def problems_of(self, path, text):
        self.write(path, text)
        return check(self.root)

    def refuses(self, path, text, expected):
        self.assertEqual(self.problems_of(path, text), [f"{path}:1: {expected}"])
        (self.root / path).unlink()

    def test_accepts_what_the_table_allows(self):
        self.assertEqual(check(self.root), [])
        self.assertEqual(self.problems_of("src/attest/a.cc", '#include "base/base.h"\n'), [], "through codec")
        self.assertEqual(self.problems_of("src/codec/c.cc", "#include <nlohmann/json.hpp>\n#include <simdjson.h>\n"), [])
        self.assertEqual(self.problems_of("src/adapters/a.cc", "#include <sys/stat.h>\n#include <unistd.h>\n"), [])

    def test_refuses_edges_that_point_the_other_way(self):
        self.refuses("src/base/b.cc", '#include "codec/codec.h"\n', "codec/codec.h: base must not use codec")
        self.refuses("src/kube/k.cc", '#include "attest/attest.h"\n', "attest/attest.h: kube must not use attest")

    def test_refuses_adapters_in_a_library(self):
        self.refuses("src/attest/a.cc", '#include "adapters/adapters.h"\n', "adapters/adapters.h: attest must not use adapters")

    def test_refuses_headers_of_others(self):
        for header in ("nlohmann/json.hpp", "boost/asio.hpp", "simdjson.h", "unistd.h", "sys/stat.h"):
            self.refuses("src/attest/a.cc", f"#include <{header}>\n", f"{header}: attest must not include this header")

    def test_refuses_paths_that_lead_nowhere(self):
        self.refuses("src/kube/k.cc", '#include "base/gone.h"\n', "base/gone.h: there is no such file")
        self.refuses("src/kube/k.cc", '#include "kube.h"\n', 'kube.h: name it from the root of the sources: "folder/file.h"')
        self.refuses("agent/x.cc", '#include "agent/gone.h"\n', "agent/gone.h: there is no such file")

    def test_refuses_links_that_the_table_does_not_allow(self):
        self.refuses("src/kube/CMakeLists.txt", "avouch_library(kube PUBLIC avouch_attest)\n", "kube must not link attest")

    def test_refuses_folders_without_row_and_rows_without_folder(self):
        self.assertEqual(self.problems_of("src/extra/e.h", ""), ["src/extra: has no row in the table of src/README.md"])
        self.write("src/README.md", TABLE.replace("`kube`", "`cube`"))
        self.assertIn("src/README.md: row cube has no folder", "\n".join(self.safe_check()))

    def safe_check(self):
        try:
            return check(self.root)
        except ValueError as error:  # adapters names kube, which has no row any more
            self.assertIn("names kube, which has no row", str(error))
            self.write("src/README.md", TABLE.replace("`kube`", "`cube`").replace("attest kube", "attest cube"))
            return check(self.root)

    def test_refuses_cycles(self):
        with self.assertRaisesRegex(ValueError, "cycle"):
            Rules(TABLE.replace("| `base` | |", "| `base` | attest |")).reachable("codec")


if __name__ == "__main__":
    unittest.main(verbosity=0)
