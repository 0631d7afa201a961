# Newer packages of Debian, by name, unpacked in the cache and never installed. Source it after hack/lib/common.sh and deps.sh.
# shellcheck shell=bash source=hack/lib/common.sh

# newer_sources DIR SUITE: this machine's entries for Debian's archive, of the suite; the security archive has no such suite.
newer_sources() {
  write_apt_entries deb "$1/sources.list.d"
  local file
  for file in "$1"/sources.list.d/*; do
    case $file in
      *.sources)
        awk -v RS= -v suite="$2" '("\n" $0) !~ /\nSuites:[^\n]*-security/ {
            text = "\n" $0
            sub(/\nSuites:[^\n]*/, "\nSuites: " suite, text)
            print substr(text, 2) "\n"
          }' "$file" >"$file.new"
        ;;
      *) sed -nE "/-security/d; s#^(deb[[:space:]]+(\[[^]]*\][[:space:]]+)?[^[:space:]]+)[[:space:]]+[^[:space:]]+#\1 $2#p" "$file" >"$file.new" ;;
    esac
    mv "$file.new" "$file"
  done
  find "$1/sources.list.d" -type f -empty -delete
}

# private_apt DIR ARGUMENTS...: apt-get that sees the suite of newer_sources; the system's files stay as they are.
private_apt() {
  local dir=$1
  shift
  apt_get -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$dir/sources.list.d" \
    -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root "$@"
}

# unpack_packages DIR SUITE PACKAGE...: the packages' files in DIR/tree, all or nothing.
unpack_packages() {
  local dir=$1 suite=$2
  shift 2
  rm -rf "$dir" "$dir.new"
  mkdir -p "$dir.new/lists/partial" "$dir.new/cache/archives/partial"
  newer_sources "$dir.new" "$suite"
  private_apt "$dir.new" update &&
    (cd "$dir.new" && private_apt "$dir.new" download "$@" && for package in ./*.deb; do dpkg --extract "$package" tree || exit; done) &&
    rm -rf "$dir.new/lists" "$dir.new/cache" "$dir.new"/*.deb &&
    mv "$dir.new" "$dir"
}
