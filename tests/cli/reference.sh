#!/usr/bin/env bash
# Tests `kubectl avouch reference` as a user meets it. Usage: reference.sh PROGRAM VECTORS
set -euo pipefail
# shellcheck source=tests/cli/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

PROGRAM=$1 VECTORS=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# expect STATUS PATTERN WORD...: exit status, and what it prints to either output.
expect() { expect_run "$1" "$2" "$PROGRAM" reference "${@:3}"; }
check() { "$@" >/dev/null || { echo "FAILED: $*"; failed=1; }; }

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out pub.pem
openssl genpkey -algorithm ED25519 -out other.pem
openssl pkey -in other.pem -pubout -out other-pub.pem

# The command line.
expect 2 "subcommand"
for words in from-evidence from-rootfs from-debs import diff sign verify; do
  expect 0 "Exit status: 0" "$words" --help
done
expect 2 "name is required" from-debs a.deb

# Whoever gives no key is told which file it is and how to get it.
expect 2 "^--key is required: File with your private key: .*openssl genpkey .* -out provider.pem$" sign tree.yaml
expect 2 "^--key is required: File with public keys .*openssl pkey -in provider.pem -pubout .*referenceKeys$" verify tree.yaml
expect 2 "give either --key FILE.*published by the file's maker" import --name a --digests file a.corim

# CoRIMs of other tools.
corim=$VECTORS/corim
expect 2 "digests is required" import --name a --unverified "$corim/good-one.cbor"
expect 2 "either --key FILE" import --name a --digests file "$corim/good-one.cbor"
expect 2 "excludes" import --name a --digests file --unverified --key "$corim/key.pem" "$corim/good-signed.cbor"
expect 0 "It is not signed" import --name a --digests file --unverified "$corim/good-one.cbor"
expect 0 "signature was not checked" import --name a --profile https://acme.example/profile --digests file --unverified "$corim/good-signed.cbor"
expect 2 "is not signed" import --name a --digests file --key "$corim/key.pem" "$corim/good-one.cbor"
expect 0 "bootComponents" import --name a --profile https://acme.example/profile --digests authenticode --key "$corim/key.pem" "$corim/good-signed.cbor"
expect 0 "notAfter: \"?2027-01-15T08:00:00Z" import --name a --profile https://acme.example/profile --digests ima --key "$corim/key.pem" --not-after 2030-01-01T00:00:00Z "$corim/good-signed.cbor"
expect 2 "corim.profile: .*https://acme.example/profile" import --name a --digests ima --key "$corim/key.pem" "$corim/good-signed.cbor"
expect 2 "good-signed.cbor.*signature" import --name a --digests ima --key pub.pem "$corim/good-signed.cbor"
expect 2 "pcrs.exact" import --name a --digests ima --unverified "$corim/bad-registers.cbor"
expect 2 "for PC Client RIMs" import --name a --digests ima --ca "$VECTORS/rim/ca.pem" "$corim/good-signed.cbor"

# PC Client RIMs.
rim=$VECTORS/rim
expect 0 "event 24" import --name a --ca "$rim/ca.pem" --at 2040-01-01T00:00:00Z "$rim/good-one.swidtag"
expect 0 "Signed by the key" import --name a --key "$rim/rsa.pem" "$rim/good-one.swidtag"
openssl x509 -in "$rim/rsa.pem" -noout -pubkey >rim-pub.pem
expect 0 "Signed by the key" import --name a --key rim-pub.pem "$rim/good-prefixed.swidtag"
expect 0 "NOT VERIFIED. It is not signed" import --name a --unverified "$rim/good-unsigned.swidtag"
expect 0 "NOT VERIFIED. Its signature was not checked" import --name a --unverified "$rim/good-one.swidtag"
expect 2 "either --key FILE" import --name a "$rim/good-one.swidtag"
expect 2 "excludes" import --name a --key "$rim/rsa.pem" --ca "$rim/ca.pem" "$rim/good-one.swidtag"
expect 2 "excludes" import --name a --unverified --ca "$rim/ca.pem" "$rim/good-one.swidtag"
expect 2 "good-one.swidtag: KeyInfo" import --name a --ca "$rim/other-ca.pem" "$rim/good-one.swidtag"
expect 2 "not valid|expired|ended" import --name a --ca "$rim/ca.pem" --at 2200-01-01T00:00:00Z "$rim/good-one.swidtag"
expect 2 "--profile is for CoRIMs" import --name a --profile x --key "$rim/rsa.pem" "$rim/good-one.swidtag"
expect 2 "--digests is for CoRIMs" import --name a --digests file --key "$rim/rsa.pem" "$rim/good-one.swidtag"
expect 2 "2 certificates, expected the signer's alone" import --name a --key <(cat "$rim/rsa.pem" "$rim/ca.pem") "$rim/good-one.swidtag"
cp "$rim/good-one.swidtag" alone.swidtag
expect 2 "alone.swidtag: Acme.RoadRunner.2.rimel: .*it is not there" import --name a --key "$rim/rsa.pem" alone.swidtag
expect 0 "kind: ReferenceManifest" import --name a --key "$rim/rsa.pem" --support "$rim" alone.swidtag
cp "$rim/Acme.RoadRunner.2.rimel" . && printf '\0' >>Acme.RoadRunner.2.rimel
expect 2 "11302 bytes, and the tag says 11301" import --name a --key "$rim/rsa.pem" alone.swidtag
expect 2 "DOCTYPE" import --name a --unverified "$rim/bad-xxe.swidtag"
expect 2 "expected SoftwareIdentity" import --name a --unverified <(echo "<a/>")
: >nothing
expect 2 "nothing: is empty; expected a CoRIM .* or the SWID tag" import --name a --unverified nothing
iconv -t UTF-16 "$rim/good-one.swidtag" >wide.swidtag
echo 'kind: ReferenceManifest' >manifest.yaml
for file in manifest.yaml wide.swidtag; do
  expect 2 "$file: is neither; expected a CoRIM .* or the SWID tag .*XML in UTF-8" import --name a --unverified "$file"
done
"$PROGRAM" reference import --name acme --key "$rim/rsa.pem" -o rim.yaml "$rim/good-one.swidtag" 2>/dev/null
"$PROGRAM" reference sign --key key.pem -o rim.yaml rim.yaml
expect 0 "good" verify --key pub.pem rim.yaml
check grep -q "^# Not taken: Link" rim.yaml # on top of it, for whoever reads it
expect 2 "excludes" from-debs --name a --split --list b a.deb
expect 2 "case, or --node" from-evidence --name a
expect 2 "excludes" from-evidence --name a --node n folder
expect 4 "nowhere" --kubeconfig nowhere from-evidence --name a --node n
expect 2 "required" diff a.yaml
expect 2 '^not expected: "-o"$' diff -o json a.yaml b.yaml
expect 2 "no such file" diff a.yaml b.yaml
expect 2 "Hash|hash" from-rootfs --name a --hash sha1 .
expect 2 "given twice" from-rootfs --name a --hash sha256,sha256 .
expect 2 "/nonexistent/a: cannot be written: folder /nonexistent: No such file" from-rootfs --name a -o /nonexistent/a nowhere
expect 2 "/nonexistent/a: cannot be written" from-rootfs --name a --list /nonexistent/a nowhere
expect 2 "/nonexistent/a: cannot be written" sign --key key.pem -o /nonexistent/a nowhere
expect 2 "not-after" from-rootfs --name a --not-after tomorrow "$VECTORS/tlog"

# A tree.
mkdir -p root/usr/bin root/etc
echo env >root/usr/bin/env
echo other >root/etc/hosts
ln -s /etc/passwd root/etc/link
expect 0 "kind: ReferenceManifest" from-rootfs --name tree root
expect 0 "^kubectl avouch: 2 files, 10 bytes of 1 input$" from-rootfs --name tree root
"$PROGRAM" reference from-rootfs --name tree -o tree.yaml root 2>/dev/null
check grep -q "$(sha256sum <root/usr/bin/env | cut -d' ' -f1)" tree.yaml
check test "$(grep -c 'sha256:' tree.yaml)" = 2
# No file that is there is replaced unless that is asked for.
cp tree.yaml as-it-was
expect 2 "^kubectl avouch: tree.yaml: cannot be written: it is there already: give --force to replace it" from-rootfs --name other -o tree.yaml root
expect 2 "^kubectl avouch: tree.yaml: cannot be written: it is there already" from-rootfs --name other --list tree.yaml root
expect 2 "^kubectl avouch: tree.yaml: cannot be written: it is there already" import --name a --digests file --unverified -o tree.yaml "$corim/good-one.cbor"
expect 2 "^kubectl avouch: tree.yaml: cannot be written: it is there already" from-evidence --name a -o tree.yaml "$VECTORS/bootlogs/good.bin"
expect 2 "name the same file" from-rootfs --name other --list both -o both root
check cmp as-it-was tree.yaml
expect 0 "" from-rootfs --name other --force -o as-it-was root
check grep -q "name: other" as-it-was
expect 2 "open the folder" from-rootfs --name tree nowhere
mkdir empty
expect 2 "no regular file in there" from-rootfs --name tree empty
expect 2 "name of a Kubernetes object" from-rootfs --name Tree root
expect 0 "sha512:" from-rootfs --name tree --hash sha256,sha512 root
mkdir many
for i in {1..8200}; do echo "$i" >"many/$i"; done
expect 2 "^kubectl avouch: more than 8192 digests of files.*--split" from-rootfs --name many many
expect 0 "name: many-2" from-rootfs --name many --split many
expect 0 "kind: ConfigMap" from-rootfs --name many --config-map avouch-system many
"$PROGRAM" reference from-rootfs --name many --list many.list -o many.yaml many 2>/dev/null
check grep -q "blob: \"sha256:$(sha256sum <many.list | cut -d' ' -f1)\"" many.yaml
check test "$(sort -u many.list | wc -l)" = 8200
(cd many && sed 's,  /,  ,' ../many.list | sha256sum --check --quiet) || failed=1

# Packages, made by dpkg-deb where it is there.
mkdir -p pkg/DEBIAN pkg/usr/bin
printf 'Package: a\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.example>\nDescription: a\n' >pkg/DEBIAN/control
echo env >pkg/usr/bin/env
for compression in none gzip xz zstd; do
  if dpkg-deb --root-owner-group -Z$compression -b pkg $compression.deb >/dev/null 2>&1; then
    "$PROGRAM" reference from-debs --name pkg --force -o pkg.yaml $compression.deb 2>/dev/null || failed=1
    check grep -q "$(sha256sum <pkg/usr/bin/env | cut -d' ' -f1)" pkg.yaml
  fi
done
echo "no package" >bad.deb
expect 2 "bad.deb: no Debian package" from-debs --name pkg bad.deb
expect 2 "missing.deb: there is no such file" from-debs --name pkg missing.deb
expect 2 "pkg: is a folder; expected a Debian package" from-debs --name pkg pkg

# A golden node's kernel files.
expect 0 "Kernel command line, as an expression: .*console=ttyS0" from-evidence --name golden "$VECTORS/bootlogs/good.bin"
expect 0 "entries|ReferenceManifest" from-evidence --name golden "$VECTORS/runtimelogs/tcb.bin"
mkdir node
cp "$VECTORS/bootlogs/good.bin" node/binary_bios_measurements
cp "$VECTORS/runtimelogs/signed.bin" node/binary_runtime_measurements
"$PROGRAM" reference from-evidence --name golden -o golden.yaml node 2>/dev/null
for member in bootComponents secureBootCertificates ima; do check grep -q "^  $member:" golden.yaml; done
expect 0 "signers:" from-evidence --name golden --signer "$VECTORS/runtimelogs/ima-signer.pem" node
head -c 5000 "$VECTORS/bootlogs/good.bin" >node/binary_bios_measurements
expect 2 "node: BootLogMalformed" from-evidence --name golden node
expect 2 "holds neither" from-evidence --name golden empty
# A log of the SHA-1 era: PCR, type, digest, data.
python3 -c 'import hashlib, struct, sys
for pcr in 0, 7: sys.stdout.buffer.write(struct.pack("<II20sI4x", pcr, 4, hashlib.sha1(bytes(4)).digest(), 4))' >sha1.bin
expect 2 "sha1.bin: the manifest says nothing: .*The boot log has digests of SHA-1 alone.*enable the TPM's SHA-256 bank" from-evidence --name golden sha1.bin
expect 0 "SecureBootDisabled: .*Secure Boot is disabled.*secureBoot: Optional" from-evidence --name golden "$VECTORS/corpus/cases/03a-secureboot-off/eventlog.bin"
expect 2 "no such file" from-evidence --name golden nowhere
cp -r "$VECTORS/corpus/cases/01-good-baseline" case
cp "$VECTORS/bootlogs/good.bin" case/eventlog.bin
cp "$VECTORS/runtimelogs/baseline.bin" case/ima.bin
expect 0 "kind: ReferenceManifest" from-evidence --name golden case
cp "$VECTORS/bootlogs/changed-initrd.bin" case/eventlog.bin
expect 2 "BootLogReplayMismatch" from-evidence --name golden case

# Signing and checking.
expect 1 "FAILED .*not signed" verify --key pub.pem tree.yaml
"$PROGRAM" reference sign --key key.pem -o signed.yaml tree.yaml
expect 0 "good .*signed by the key" verify --key pub.pem signed.yaml
expect 0 "good" verify --key other-pub.pem --key pub.pem signed.yaml
expect 1 "FAILED" verify --key other-pub.pem signed.yaml
"$PROGRAM" reference sign --key other.pem -o signed.yaml signed.yaml
expect 0 "good" verify --key other-pub.pem signed.yaml
expect 0 "good" verify --key pub.pem signed.yaml
sed 's/name: tree/name: forest/' signed.yaml >renamed.yaml
expect 0 "good" verify --key pub.pem renamed.yaml # a name is no content
sed "s/$(sha256sum <root/usr/bin/env | cut -c1-8)/00000000/" signed.yaml >changed.yaml
expect 1 "FAILED" verify --key pub.pem changed.yaml
check grep -q "files, " signed.yaml # what stood on top
expect 2 "pub.pem: .*expected .BEGIN PRIVATE KEY.; give the file with the private key: nothing else has it$" sign --key pub.pem tree.yaml
openssl pkey -in key.pem -traditional -out old.pem
expect 2 "old.pem: .*BEGIN EC PRIVATE KEY.*; convert with: openssl pkcs8" sign --key old.pem tree.yaml
expect 2 "key.pem.*expected .BEGIN PUBLIC KEY.; its public half: openssl pkey -in OLD -pubout" verify --key key.pem signed.yaml
expect 2 "ca.pem.*expected .BEGIN PUBLIC KEY.; its public key: openssl x509 -in OLD -noout -pubkey" verify --key "$rim/ca.pem" signed.yaml
expect 2 "its public half: openssl pkey" import --name a --key key.pem "$rim/good-one.swidtag"
cp pub.pem own.pem
expect 2 "own.pem: cannot be written: it is there already: give --force" sign --key key.pem -o own.pem tree.yaml
expect 0 "" sign --key key.pem --force -o own.pem tree.yaml
check grep -q "signatures:" own.pem
expect 2 "bad.deb" sign --key key.pem bad.deb
printf 'apiVersion: avouch.dev/v1alpha1\nkind: ReferenceManifest\nmetadata: {name: a}\nspec: {revoked: [x], more: 1}\n' >bad.yaml
expect 2 "bad.yaml: ReferenceManifest \"a\": spec.revoked\[0\]" verify --key pub.pem bad.yaml
expect 2 "unknown field \"more\"" sign --key key.pem bad.yaml
printf 'a: 1\nb: [\n' >broken.yaml
expect 2 "broken.yaml:[0-9]+" verify --key pub.pem broken.yaml

# Lists: a folder of them, and one that was changed.
"$PROGRAM" reference sign --key key.pem -o many.yaml many.yaml
mkdir lists
expect 2 "no file of lists has this digest" verify --key pub.pem --lists lists many.yaml
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n' >none.yaml
expect 2 "none.yaml: holds no ReferenceManifest" verify --key pub.pem none.yaml
expect 2 "holds no ReferenceManifest" diff none.yaml tree.yaml
mv many.list lists/
expect 0 "good" verify --key pub.pem --lists lists many.yaml
expect 0 "good" verify --key pub.pem many.yaml

# Comparing.
expect 0 "" diff tree.yaml tree.yaml
expect 1 "^\+ signature" diff tree.yaml signed.yaml
echo more >root/usr/bin/more
"$PROGRAM" reference from-rootfs --name tree -o more.yaml root 2>/dev/null
expect 1 "^\+ ima file: sha256:$(sha256sum <root/usr/bin/more | cut -d' ' -f1)" diff tree.yaml more.yaml
expect 1 "^- ima file: sha256:$(sha256sum <root/usr/bin/more | cut -d' ' -f1)" diff more.yaml tree.yaml

((failed)) || echo "the reference tools' tests have passed"
exit "$failed"
