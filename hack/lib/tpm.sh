# A TPM for each node: swtpm with certificates of the cluster's own TPM maker,
# booted with a real boot log. Source it after process.sh.
# shellcheck shell=bash

TPM_BANKS=${AVOUCH_TPM_BANKS:-sha1,sha256}
# shellcheck disable=SC2034
GOOD_BOOT_LOG=$REPO_DIR/tests/vectors/bootlogs/good.bin

# What the node's pods see below /var/lib/avouch-node.
node_files() { echo "$(node_dir "$1")/var/lib/avouch-node"; }
tpm_socket() { echo "$(node_files "$1")/tpm/sock"; }
# The swtpm TCTI wants the control socket next to the data socket, so whoever has
# the TPM in this cluster can also reset it.
tpm_control() { echo "$(tpm_socket "$1").ctrl"; }
node_runtime_log() { echo "$(node_files "$1")/securityfs/ima/binary_runtime_measurements"; }
node_boot_log() { echo "$(node_files "$1")/securityfs/tpm0/binary_bios_measurements"; }

write_tpm_maker_config() {
  local dir=$STATE/tpm-maker
  mkdir -p "$dir"
  cat >"$dir/setup.conf" <<END
create_certs_tool = $(command -v swtpm_localca)
create_certs_tool_config = $dir/ca.conf
create_certs_tool_options = $dir/options
active_pcr_banks = $TPM_BANKS
END
  cat >"$dir/ca.conf" <<END
statedir = $dir
signingkey = $dir/issuer.key
issuercert = $dir/issuer.pem
certserial = $dir/serial
END
  printf '%s\n' '--platform-manufacturer Avouch' '--platform-version 1' '--platform-model test-node' >"$dir/options"
}

# make_tpm NODE: with endorsement keys and their certificates in NV memory.
make_tpm() {
  local dir log=$LOGS/swtpm-$1.log
  dir=$(node_dir "$1")/tpm
  mkdir -p "$dir/state"
  [[ ! -e $dir/made ]] || return 0
  quietly "$log" swtpm_setup --tpm2 --tpm-state "$dir/state" --runas root --overwrite \
    --config "$STATE/tpm-maker/setup.conf" --vmid "$1" --pcr-banks "$TPM_BANKS" \
    --create-ek-cert --create-platform-cert --lock-nvram || die "making the TPM of $1 failed" "$log"
  touch "$dir/made"
}

export_tpm_ca() {
  cat "$STATE/tpm-maker/swtpm-localca-rootca-cert.pem" "$STATE/tpm-maker/issuer.pem" >"$STATE/tpm-ca.pem"
}

start_tpm() {
  local files dir
  files=$(node_files "$1")
  dir=$(node_dir "$1")/tpm
  part_pid "swtpm-$1" >/dev/null && return 0
  mkdir -p "$files/tpm" "$files/securityfs/tpm0" "$files/securityfs/ima"
  rm -f "$files/tpm/sock" "$files/tpm/sock.ctrl"
  start_part "swtpm-$1" swtpm socket --tpm2 --tpmstate "dir=$dir/state" --flags not-need-init \
    --server "type=unixio,path=$files/tpm/sock,mode=0666" --ctrl "type=unixio,path=$files/tpm/sock.ctrl,mode=0666"
  wait_for 10 "TPM of $1" "$LOGS/swtpm-$1.log" test -S "$files/tpm/sock" -a -S "$files/tpm/sock.ctrl"
}

# boot_tpm NODE LOG [OPTION...]: resets the TPM, after an orderly shutdown, and boots it; options of hack/tpm/boot.py.
boot_tpm() {
  [[ -r $2 ]] || die "boot log $2 cannot be read"
  rm -f "$(node_runtime_log "$1")"
  python3 "$HACK_DIR/tpm/boot.py" --socket "$(tpm_socket "$1")" --control "$(tpm_control "$1")" \
    --install "$(node_boot_log "$1")" "${@:3}" "$2" || die "booting the TPM of $1 failed" "$LOGS/swtpm-$1.log"
}

# tpm_tool NODE COMMAND...: a tpm2-tools command on the node's TPM. The agent
# uses the TPM too, one at a time: the tool waits for its turn.
tpm_tool() {
  local node=$1
  shift
  TPM2TOOLS_TCTI="swtpm:path=$(tpm_socket "$node")" TSS2_LOG=all+NONE timeout 30 "$@"
}

tpm_reset() {
  local node=$1 log
  local -a how=()
  shift
  log=$(node_boot_log "$node")
  while (($#)); do
    case $1 in
      --log) log=${2:?--log FILE} && shift 2 ;;
      --unclean) how=(--unclean) && shift ;;
      *) die "tpm reset: unknown option '$1'; expected --log FILE or --unclean" ;;
    esac
  done
  boot_tpm "$node" "$log" "${how[@]}"
}

tpm_extend() {
  local node=$1 pcr=${2:-} digest=${3:-} algorithm
  [[ $pcr =~ ^[0-9]+$ && $pcr -lt 24 ]] || die "tpm extend: PCR '$pcr'; expected 0 to 23"
  case ${#digest} in
    40) algorithm=sha1 ;;
    64) algorithm=sha256 ;;
    96) algorithm=sha384 ;;
    *) die "tpm extend: a digest of 40, 64 or 96 hexadecimal digits is expected, not '$digest'" ;;
  esac
  tpm_tool "$node" tpm2_pcrextend "$pcr:$algorithm=$digest"
}

# tpm_measure NODE OPTION...: what the node's kernel would measure by IMA; options of hack/tpm/measure.py.
tpm_measure() {
  python3 "$HACK_DIR/tpm/measure.py" --socket "$(tpm_socket "$1")" --log "$(node_runtime_log "$1")" "${@:2}" ||
    die "measuring on $1 failed" "$LOGS/swtpm-$1.log"
}

# tpm_pcrs NODE [SELECTION]: a line "bank index value" for each.
tpm_pcrs() {
  local node=$1
  shift
  tpm_tool "$node" tpm2_pcrread "$@" |
    awk -F '[ :]+' 'NF == 3 && $3 == "" {bank = $2} $3 ~ /^0x/ {print bank, $2, tolower(substr($3, 3))}'
}

# The TPM loses power and starts again; the node boots alike.
tpm_powercut() {
  local log
  log=$(node_boot_log "$1")
  stop_part "swtpm-$1" KILL
  start_tpm "$1"
  boot_tpm "$1" "$log"
}

tpm_command() {
  local node=${1:-} action=${2:-}
  require_node "$node"
  shift 2 || die "usage: cluster.sh tpm NODE reset|extend|measure|pcrs|powercut|tcti|runtime-log"
  case $action in
    reset) tpm_reset "$node" "$@" ;;
    extend) tpm_extend "$node" "$@" ;;
    measure) tpm_measure "$node" "$@" ;;
    runtime-log) cat "$(node_runtime_log "$node")" ;;
    pcrs) tpm_pcrs "$node" "$@" ;;
    powercut) tpm_powercut "$node" ;;
    tcti) echo "swtpm:path=$(tpm_socket "$node")" ;;
    *) die "tpm: unknown action '$action'; expected reset, extend, measure, pcrs, powercut, tcti or runtime-log" ;;
  esac
}
