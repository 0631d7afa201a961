#!/usr/bin/env python3
"""Writes the PC Client RIMs of this folder, with new keys each time.

Needs xmlsec1 (Debian: xmlsec1) and openssl: both sign and digest by code that is not ours.
"""

import hashlib
import os
import pathlib
import re
import struct
import subprocess
import tempfile

HERE = pathlib.Path(os.path.dirname(os.path.abspath(__file__)))
SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENC = "http://www.w3.org/2001/04/xmlenc#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N11 = "http://www.w3.org/2006/12/xml-c14n11"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
HASH = {"sha256": ENC + "sha256", "sha384": MORE + "sha384", "sha512": ENC + "sha512", "sha1": DSIG + "sha1"}
LOG_NAME = "Acme.RoadRunner.2.rimel"


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], check=False, capture_output=True, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))}: {done.stderr.decode()}")
    return done


# --- the support file: what the firmware measured of a boot, up to the first program ---------------

def firmware_log():
    log = (HERE.parent / "bootlogs" / "good.bin").read_bytes()
    at = 32 + struct.unpack_from("<I", log, 28)[0]
    for _ in range(24):
        count = struct.unpack_from("<I", log, at + 8)[0]
        at += 12
        for _ in range(count):
            at += 2 + {4: 20, 11: 32}[struct.unpack_from("<H", log, at)[0]]
        at += 4 + struct.unpack_from("<I", log, at)[0]
    return log[:at]


LOG = firmware_log()


# --- keys ------------------------------------------------------------------------------------------

class Keys:
    """A maker's authority and the signers that it vouches for."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.authority("ca", "Acme firmware CA")
        self.authority("other-ca", "Another CA")
        self.signer("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "digitalSignature")
        self.signer("p384", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "digitalSignature")
        self.signer("tls", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "keyEncipherment")
        self.signer("brief", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "digitalSignature", days=1)

    def path(self, name):
        return self.folder / name

    def authority(self, name, title):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 36500, "-subj", f"/O=Acme/CN={title}",
            "-addext", "keyUsage=critical,keyCertSign", "-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem"))

    def signer(self, name, kind, usage, days=36500):
        run("openssl", "genpkey", *kind, "-out", self.path(name + ".key"))
        run("openssl", "req", "-new", "-key", self.path(name + ".key"), "-subj", f"/O=Acme/CN=RIM signer {name}",
            "-out", self.path("csr"))
        self.path("ext").write_text(f"basicConstraints=CA:FALSE\nkeyUsage=critical,{usage}\nextendedKeyUsage=codeSigning\n")
        run("openssl", "x509", "-req", "-in", self.path("csr"), "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"),
            "-days", days, "-extfile", self.path("ext"), "-set_serial", 1 + len(name), "-out", self.path(name + ".pem"))


# --- tags ------------------------------------------------------------------------------------------

def digest_of(data, name):
    return hashlib.new(name, data).hexdigest()


def file(name=LOG_NAME, data=LOG, hashes=("sha256",), size=True, more="", values=None):
    given = values or {each: digest_of(data, each) for each in hashes}
    text = "".join(f' xmlns:{each.upper()}="{HASH[each]}" {each.upper()}:hash="{value}"' for each, value in given.items())
    length = f' size="{len(data)}"' if size is True else size
    return f'<File{text} name="{name}"{length}{more}/>'


def signature(method=MORE + "rsa-sha256", digest=ENC + "sha256", c14n=C14N, uri="", more="", objects="", id_="",
              transforms=None, key_info="<X509Data><X509Certificate/></X509Data>", prefix=""):
    if transforms is None:
        transforms = f'<Transform Algorithm="{DSIG}enveloped-signature"/>'
    return f"""<Signature xmlns="{DSIG}"{id_}>
    <SignedInfo>
      <CanonicalizationMethod Algorithm="{c14n}"/>
      <SignatureMethod Algorithm="{method}"/>
      <Reference URI="{uri}">
        <Transforms>{transforms}</Transforms>
        <DigestMethod Algorithm="{digest}"/>
        <DigestValue/>
      </Reference>{more}
    </SignedInfo>
    <SignatureValue/>
    <KeyInfo>{key_info}</KeyInfo>{objects}
  </Signature>"""


META = ('rim:bindingSpec="PC Client RIM" rim:bindingSpecVersion="1.2" rim:payloadType="direct" '
        'rim:platformManufacturerStr="Acme" rim:platformModel="RoadRunner" rim:firmwareVersion="2"')


def tag(payload=None, sign=None, attributes='corpus="false" patch="false" supplemental="false"', meta=META, more="",
        declaration='<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n', doctype="", id_=""):
    payload = file() if payload is None else payload
    return f"""{declaration}{doctype}<SoftwareIdentity xmlns="{SWID}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {attributes} name="Acme BIOS"{id_} tagId="94f6b457-9ac9-4d35" tagVersion="0" version="2" versionScheme="multipartnumeric" xml:lang="en">
  <Entity name="Acme Inc" regid="https://acme.example" role="softwareCreator tagCreator"/>
  <Link href="https://acme.example/firmware" rel="installationmedia"/>
  <Meta xmlns:rim="https://trustedcomputinggroup.org/wp-content/uploads/TCG_RIM_Model" {meta}/>
  <Payload>
    <Directory name="rim">
      {payload}
    </Directory>
  </Payload>{more}
  {signature() if sign is None else sign}
</SoftwareIdentity>
"""


def prefixed():
    """As older tools write it: every name with a prefix, on one line, key by value."""
    text = tag(sign=signature(key_info="<KeyValue/><KeyName>2fdeb8e7</KeyName>"))
    head, rest = text.split("<Signature", 1)
    head = re.sub(r"<(/?)(SoftwareIdentity|Entity|Link|Meta|Payload|Directory|File)\b", r"<\1ns2:\2", head)
    head = head.replace(f'xmlns="{SWID}"', f'xmlns:ns2="{SWID}"')
    rest = rest.replace("</SoftwareIdentity>", "</ns2:SoftwareIdentity>")
    return re.sub(r">\s+<", "><", head + "<Signature" + rest)


TIME = f"""
      <Reference URI="#TST">
        <DigestMethod Algorithm="{ENC}sha256"/>
        <DigestValue/>
      </Reference>"""
TIME_OBJECT = """
    <Object>
      <SignatureProperties>
        <SignatureProperty Id="TST" Target="RimSignature">
          <t:timestamp xmlns:t="https://www.ietf.org/rfc/rfc3339.txt" dateTime="2026-01-01T00:00:00Z"/>
        </SignatureProperty>
      </SignatureProperties>
    </Object>"""

LAUGHS = "<!DOCTYPE a [<!ENTITY a0 \"ha\">" + "".join(
    f'<!ENTITY a{i} "{"".join(f"&a{i - 1};" for _ in range(10))}">' for i in range(1, 10)) + "]>\n"


class Out:
    def __init__(self, keys):
        self.keys, self.reasons = keys, []

    def sign(self, text, key="rsa"):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as template, tempfile.NamedTemporaryFile() as done:
            template.write(text)
            template.flush()
            path = self.keys.path
            run("xmlsec1", "--sign", "--id-attr:Id", f"{DSIG}:SignatureProperty", "--id-attr:Id",
                f"{SWID}:SoftwareIdentity", "--privkey-pem", f"{path(key + '.key')},{path(key + '.pem')}", "--output", done.name,
                template.name)
            return pathlib.Path(done.name).read_text()

    def good(self, name, text):
        (HERE / f"good-{name}.swidtag").write_text(text)

    def bad(self, name, reason, text):
        (HERE / f"bad-{name}.swidtag").write_bytes(text if isinstance(text, bytes) else text.encode())
        self.reasons.append(f"{name} {reason}")


def goods(out):
    one = out.sign(tag())
    out.good("one", one)
    out.good("prefixed", out.sign(prefixed()))
    out.good("p384-exclusive", out.sign(tag(payload=file(hashes=("sha384", "sha512")), sign=signature(
        MORE + "ecdsa-sha384", MORE + "sha384", EXCLUSIVE)), "p384"))
    out.good("c14n11-sha512", out.sign(tag(sign=signature(
        MORE + "rsa-sha512", ENC + "sha512", C14N11,
        transforms=f'<Transform Algorithm="{DSIG}enveloped-signature"/><Transform Algorithm="{C14N11}"/>'))))
    out.good("timestamp", out.sign(tag(sign=signature(more=TIME, objects=TIME_OBJECT, id_=' Id="RimSignature"'))))
    out.good("supplemental", out.sign(tag(
        attributes='corpus="false" patch="false" supplemental="true"',
        meta=META.replace("payloadType", "PayloadType") + ' rim:rimLinkHash="88f21d8e"',
        payload=file() + file("extra.rimpcr", b"pcr") + file("flash.bin", b"flash"),
        more='\n  <Evidence date="2026-01-01T00:00:00Z" deviceId="a"/>')))
    # Whatever canonical form makes of the same document: comments, CDATA, references, order, empty elements.
    out.good("odd-writing", out.sign(tag(
        attributes='supplemental="false"   patch=\'false\' corpus="false"',
        payload=file() + '\n<!-- <File name="no"/> --><Resource type="a&amp;b&#x9;&lt;&gt;&quot;"><![CDATA[<File/>]]></Resource>',
        meta=META + ' rim:firmwareManufacturerStr="&#xc4;&#13;&#10;\u00e9"')))
    out.good("unsigned", tag(sign=""))
    # Written by HIRS: signed on one line, indented afterwards.
    dense = out.sign(re.sub(r">\s+<", "><", tag()))
    out.good("indented", dense.replace("><", ">\n  <"))
    out.bad("indented-changed", "is not by the key",
            dense.replace("><", ">\n  <").replace("<Payload>", "<Payload>text"))
    return one


def changed_afterwards(out, one):
    other = "00" * 32
    own = digest_of(LOG, "sha256")
    digest = re.search("<DigestValue>(.*?)</DigestValue>", one)[1]
    out.bad("tampered-hash", "the document was changed after it was signed", one.replace(own, other))
    out.bad("tampered-text", "the document was changed after it was signed",
            one.replace("  <Payload>", "  changed\n  <Payload>"))
    out.bad("tampered-digest", "is not by the key", one.replace(digest, "A" * 43 + "="))
    value = re.search("<SignatureValue>(.*?)</SignatureValue>", one, re.S)[1]
    out.bad("tampered-signature", "is not by the key", one.replace(value, value.replace(value[10], "B" if value[10] != "B" else "C", 1)))
    out.bad("empty-signature", "is not by the key", one.replace(value, ""))
    out.bad("other-signer", "is not by the key", out.sign(tag(), "brief"))
    time = out.sign(tag(sign=signature(more=TIME, objects=TIME_OBJECT)))
    out.bad("tampered-timestamp", "that part of the signature was changed", time.replace("2026-01-01", "2027-01-01"))
    out.bad("unsigned", "is not signed", tag(sign=""))
    out.bad("foreign-signature", "is not signed", one.replace(f'<Signature xmlns="{DSIG}"', '<Signature xmlns="urn:other"'))


def wrapped(out, one):
    """A genuine signature, put where what is read is not what it covers."""
    evil = tag(payload=file(values={"sha256": "00" * 32}), sign="@")
    original = one[one.index("<SoftwareIdentity"):]
    sign = re.search("<Signature.*</Signature>", one, re.S)[0]
    out.bad("wrapped-in-another", "only indirectly", evil.replace("@", original))
    out.bad("wrapped-in-extension", "only indirectly", evil.replace("@", f'<x:Ext xmlns:x="urn:x">{original}</x:Ext>'))
    out.bad("wrapped-in-object", "the document was changed after it was signed", evil.replace("@", sign.replace(
        "</Signature>", f"<Object>{original.replace(sign, '')}</Object></Signature>")))
    out.bad("moved-to-another", "the document was changed after it was signed", evil.replace("@", sign))
    own = out.sign(tag(sign=signature(uri="#own"), id_=' Id="own"'))
    out.bad("by-id", 'covers "#own"', own)
    own_sign = re.search("<Signature.*</Signature>", own, re.S)[0]
    inner = own[own.index("<SoftwareIdentity"):].replace(own_sign, "")
    out.bad("by-id-wrapped", 'covers "#own"', evil.replace("@", own_sign.replace(
        "</Signature>", f"<Object>{inner}</Object></Signature>")))
    out.bad("two-signatures", "is a second Signature", one.replace(sign, sign + sign))
    out.bad("signature-in-payload", "is a second Signature", one.replace("<Directory", sign + "<Directory"))
    out.bad("no-enveloped", "expected the enveloped-signature transform first", out.sign(tag(sign=signature(transforms=""))))
    out.bad("timestamp-elsewhere", "expected of a second one", out.sign(tag(
        sign=signature(more=TIME), more=f'\n  <SignatureProperty xmlns="{DSIG}" Id="TST"/>')))
    root = out.sign(tag(sign=signature(more=TIME.replace("#TST", "#own")), id_=' Id="own"'))
    out.bad("second-of-the-document", "expected of a second one", root)
    out.bad("three-references", "stands there too often", one.replace("</Reference>", "</Reference>" + TIME + TIME, 1))


def weak(out):
    xpath = (f'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath xmlns:d="{DSIG}">'
             'not(ancestor-or-self::d:Signature or ancestor-or-self::*[local-name()="Payload"])</XPath></Transform>')
    own = f'<Transform Algorithm="{DSIG}enveloped-signature"/>'
    out.bad("xpath-transform", "REC-xpath-19991116", out.sign(tag(sign=signature(transforms=own + xpath))))
    out.bad("xpath-only", "expected the enveloped-signature transform first", out.sign(tag(sign=signature(transforms=xpath))))
    xslt = ('<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><x:stylesheet version="1.0" '
            'xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:template match="/"><a/></x:template></x:stylesheet></Transform>')
    out.bad("xslt-transform", "REC-xslt-19991116", out.sign(tag(sign=signature(transforms=own + xslt))))
    out.bad("with-comments", "WithComments", out.sign(tag(sign=signature(c14n=C14N + "#WithComments"))))
    out.bad("inclusive-prefixes", "expected no parameters", out.sign(tag(sign=signature(transforms=own + (
        f'<Transform Algorithm="{EXCLUSIVE}"><InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="xsi"/></Transform>')))))
    out.bad("rsa-sha1", "SHA-1 is refused everywhere", out.sign(tag(sign=signature(DSIG + "rsa-sha1"))))
    out.bad("digest-sha1", "SHA-1 is refused everywhere", out.sign(tag(sign=signature(digest=DSIG + "sha1"))))
    out.bad("hmac", "hmac-sha256\" is not accepted", tag(sign=signature(MORE + "hmac-sha256")))
    out.bad("payload-sha1", "has a SHA-1 digest alone", out.sign(tag(payload=file(hashes=("sha1",)))))
    out.bad("payload-md5", "which is none that is known", out.sign(tag(payload=file().replace(ENC + "sha256", MORE + "md5"))))


def hostile(out):
    out.bad("xxe", "DOCTYPE", tag(doctype='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n',
                                  payload=file() + "<Resource>&x;</Resource>"))
    out.bad("xxe-parameter", "DOCTYPE", tag(doctype='<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;]>\n'))
    out.bad("external-dtd", "DOCTYPE", tag(doctype='<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">\n'))
    out.bad("billion-laughs", "DOCTYPE", tag(doctype=LAUGHS, payload=file() + "<Resource>&a9;</Resource>"))
    out.bad("unknown-entity", "not well-formed", tag(payload=file() + "<Resource>&x;</Resource>"))
    out.bad("instruction", "a processing instruction", tag(declaration='<?xml-stylesheet href="http://127.0.0.1:1/a"?>\n'))
    out.bad("utf-16", "is not in UTF-8", tag(declaration="").encode("utf-16"))
    out.bad("latin-1", "is not in UTF-8", tag(declaration='<?xml version="1.0" encoding="ISO-8859-1"?>\n',
                                              more="\n  <x:A xmlns:x=\"urn:x\">\u00e9</x:A>").encode("latin-1"))
    out.bad("says-latin-1", "expected UTF-8", tag(declaration='<?xml version="1.0" encoding="ISO-8859-1"?>\n'))
    out.bad("deep", "more than 32", tag(payload=file() + "<A>" * 40 + "</A>" * 40))
    out.bad("attributes", "more than 64 attributes", tag(
        payload=file() + "<A " + " ".join(f'a{i}=""' for i in range(65)) + "/>"))
    out.bad("namespaces", "more than 32 namespaces", tag(
        payload=file() + "<A " + " ".join(f'xmlns:a{i}="urn:{i}"' for i in range(40)) + "/>"))
    out.bad("long-namespace", "longer than 256 bytes", tag(payload=file() + f'<a:A xmlns:a="urn:{"a" * 300}"/>'))
    out.bad("undeclared-prefix", "not well-formed", tag(payload=file() + "<a:A/>"))
    out.bad("attribute-twice", "not well-formed", tag(payload=file() + '<A a="1" a="2"/>'))
    out.bad("two-roots", "not well-formed", tag() + "<a/>")
    out.bad("empty", "not well-formed", "<")


def other_tags(out):
    def signed(name, reason, **more):
        out.bad(name, reason, out.sign(tag(**more)))

    signed("patch", "a patch is not taken", attributes='patch="true"')
    signed("other-binding", 'expected "PC Client RIM"', meta=META.replace("PC Client RIM", "IOT RIM"))
    signed("no-binding", 'expected rim:bindingSpec', meta="")
    signed("indirect", "payloadType", meta=META.replace("direct", "indirect"))
    signed("no-files", "expected at least one File", payload="")
    signed("two-payloads", "is given twice", more="<Payload/>")
    signed("path", "that is no path", payload=file("../" + LOG_NAME))
    signed("no-name", "expected a name", payload=file().replace(" name=", " title="))
    signed("twice", "is given twice", payload=file() + file())
    signed("no-hash", "has no digest", payload=file(hashes=()))
    signed("short-hash", "sha256", payload=file(values={"sha256": "00" * 31}))
    signed("no-hex", "sha256", payload=file(values={"sha256": "zz" * 32}))
    signed("size", "size is", payload=file(size=' size="1k"'))
    signed("other-size", "bytes, and the tag says 1", payload=file(size=' size="1"'))
    signed("other-log", "is not the file that the tag means", payload=file(values={"sha256": "00" * 32}))
    signed("one-digest-of-two", "is not the file that the tag means",
           payload=file(values={"sha256": digest_of(LOG, "sha256"), "sha384": "00" * 48}))
    signed("missing-log", "it is not there", payload=file("missing.rimel"))
    signed("pcr-values-only", "no event log", payload=file("a.rimpcr", b"a"))
    signed("other-files-only", "no event log", payload=file("flash.bin", b"a"))
    signed("other-format", "supportRIMFormat", payload=file(more=" rim:supportRIMFormat=\"other\"").replace(
        "<File", '<File xmlns:rim="https://trustedcomputinggroup.org/wp-content/uploads/TCG_RIM_Model"'))
    signed("no-log", "BootLogMalformed", payload=file("broken.rimel", LOG[:5000]))
    out.bad("other-root", "expected SoftwareIdentity", out.sign(tag().replace("SoftwareIdentity", "Other")))
    out.bad("old-swid", "expected SoftwareIdentity", out.sign(tag().replace("/2015/", "/2009/")))


def main():
    for old in HERE.glob("*.swidtag"):
        if not old.name.startswith("hirs-"):
            old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        keys = Keys(folder)
        out = Out(keys)
        one = goods(out)
        changed_afterwards(out, one)
        wrapped(out, one)
        weak(out)
        hostile(out)
        other_tags(out)
        for key in ("tls", "brief"):
            (HERE / f"signer-{key}.swidtag").write_text(out.sign(tag(), key))
        for name in ("ca.pem", "other-ca.pem", "rsa.pem", "p384.pem", "brief.pem"):
            (HERE / name).write_bytes(keys.path(name).read_bytes())
    (HERE / LOG_NAME).write_bytes(LOG)
    (HERE / "broken.rimel").write_bytes(LOG[:5000])
    corpus = HERE.parent.parent / "fuzz" / "corpus" / "rim_fuzz"
    for old in corpus.glob("*.swidtag"):
        old.unlink()
    corpus.mkdir(exist_ok=True)
    for path in HERE.glob("*.swidtag"):
        log = b"\0" + LOG if path.name in ("good-one.swidtag", "good-unsigned.swidtag") else b""
        (corpus / path.name).write_bytes(path.read_bytes() + log)
    (HERE / "bad.txt").write_text("\n".join(out.reasons) + "\n")


if __name__ == "__main__":
    main()
