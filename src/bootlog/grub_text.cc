#include "bootlog/grub_text.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace avouch::bootlog {
namespace {

// Commands of GRUB 2.12 and of distributions' configurations that start no program, or run others
// that are measured by themselves (source, configfile, blscfg, eval).
constexpr std::string_view kHarmless =
    " . [ authenticate background_color background_image bli blocklist blscfg boot break"
    " btrfs-get-default-subvol btrfs-info btrfs-list-subvols btrfs-mount-subvol cat clear"
    " cmp color configfile continue cpuid crc cryptomount date distrust echo efitextmode"
    " eval exit export extract_entries_configfile extract_entries_source"
    " extract_legacy_entries_configfile extract_legacy_entries_source"
    " extract_syslinux_entries_configfile extract_syslinux_entries_source false file fwsetup"
    " getenv gettext gfxmode halt hashsum help hexdump hwmatch increment initrd initrd16"
    " initrdefi initrdfail insmod keymap keystatus legacy_configfile legacy_source list_env"
    " list_trusted load_env load_video loadfont loopback ls lsacpi lsefi lsefimmap"
    " lsefisystab lsfonts lsmmap lsmod lspci md5sum menuentry nativedisk net_add_addr"
    " net_add_dns net_add_route net_bootp net_bootp6 net_del_addr net_del_dns net_del_route"
    " net_dhcp net_get_dhcp_option net_ipv6_autoconf net_ls_addr net_ls_cards net_ls_dns"
    " net_ls_routes net_nslookup normal parttool password password_pbkdf2 play probe rdmsr"
    " read reboot recordfail regexp return save_env savedefault search search.file"
    " search.fs_label search.fs_uuid set setparams sha1sum sha256sum sha512sum shift sleep"
    " smbios source submenu terminfo test tpm_record_pcrs tpm2_key_protector_clear"
    " tpm2_key_protector_init true trust unset usb vbeinfo verify_detached version videoinfo ";

// After these GRUB measures no more (its verifier is gone, or the rescue prompt runs), or memory,
// devices or the firmware's tables may have been written to: without its table the TPM is not
// found. Most are those that GRUB itself forbids under Secure Boot (grub_register_*_lockdown).
constexpr std::string_view kStopsMeasuring =
    " acpi badram cmosclean cmosset cmoswrite cutmem devicetree efiemu_loadcore efiemu_pnvram"
    " efiemu_prepare fakebios gdbstub gdbstub_break hdparm loadbios normal_exit outb outl outw"
    " rmmod setpci write_byte write_dword write_word wrmsr ";

// Which consoles there are. Their words may name an address that GRUB then writes to.
constexpr std::string_view kConsoles = " serial terminal_input terminal_output ";
constexpr std::string_view kConsoleOptions =
    " --unit --speed --word --parity --stop --rtscts -u -s -w -r -t -f --append --remove -a ";
constexpr std::string_view kConsoleNames =
    " at_keyboard audio cbmemc console gfxterm mda_text morse ofconsole pc spkmodem usb_keyboard"
    " vga_text auto com efi usb even odd no on off ";
constexpr std::string_view kConsolePorts =
    " 0x2e8 0x2f8 0x3e8 0x3f8 auto ";  // COM1 to COM4 of a PC

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

std::string_view after_first_word(std::string_view text) {
  const std::size_t end = text.find(' ');
  return end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
}

// GRUB's without `set`: NAME=VALUE, one word.
bool is_assignment(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || (text[0] >= '0' && text[0] <= '9')) {
    return false;
  }
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const std::string_view name = text.substr(0, equals), value = text.substr(equals);
  return std::all_of(name.begin(), name.end(), in_name) &&
         std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_one_of(std::string_view word, std::string_view list) {
  return !word.empty() && word.size() < list.size() &&
         list.find(" " + std::string(word) + " ") != std::string_view::npos;
}

bool is_harmless(std::string_view text) {
  return text.empty() || is_one_of(first_word(text), kHarmless) ||
         is_one_of(first_word(text), kConsoles) || is_assignment(text);
}

std::string_view without_digits(std::string_view word) {
  return word.substr(0, word.find_last_not_of("0123456789") + 1);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// What a console may be told: a number, one of the consoles, or an option with such a value.
bool is_of_console(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals != std::string_view::npos) {
    const std::string_view option = word.substr(0, equals), value = word.substr(equals + 1);
    if (option == "--port") return is_one_of(lower_case(value), kConsolePorts);
    return is_one_of(option, kConsoleOptions) &&
           (without_digits(value).empty() || is_one_of(value, kConsoleNames));
  }
  for (const std::string_view prefix : {"serial_", "serial"}) {
    if (!word.starts_with(prefix)) continue;
    word.remove_prefix(prefix.size());
    break;
  }
  const std::string_view name = without_digits(word);
  return name.empty() || is_one_of(name, kConsoleNames) || is_one_of(word, kConsoleOptions);
}

// Whether a command that is known writes to an address, or gives a file another name than its own.
bool has_unsafe_words(std::string_view text) {
  const std::string_view command = first_word(text);
  const bool is_console = is_one_of(command, kConsoles);
  if (!is_console && command.find("initrd") == std::string_view::npos) return false;
  for (text = after_first_word(text); !text.empty(); text = after_first_word(text)) {
    const std::string_view word = first_word(text);
    if (is_console ? !is_of_console(word) : word.starts_with("newc:")) return true;
  }
  return false;
}

// Options before the name of the file, and that.
std::size_t names_of(std::string_view text) {
  std::size_t out = 1;
  for (; text.starts_with('-'); text = after_first_word(text)) ++out;
  return out;
}

// `chainloader` starts a kernel as any EFI program, with arguments or without.
bool loads_kernel(std::string_view command) {
  return command.starts_with("linux") || command.starts_with("multiboot") ||
         command.starts_with("module") || command.starts_with("xen_") || command == "kernel" ||
         command == "chainloader";
}

}  // namespace

GrubText read_grub_text(std::string_view text) {
  // GRUB runs what follows these as a command.
  while (first_word(text) == "!" || first_word(text) == "time") text = after_first_word(text);
  if (is_one_of(first_word(text), kStopsMeasuring) || has_unsafe_words(text)) {
    return {.kernels = text, .names = kOnlyNames, .unproves = true};
  }
  if (is_harmless(text)) return {};
  if (!loads_kernel(first_word(text))) return {.kernels = text, .names = names_of(text)};
  const std::string_view arguments = after_first_word(text);
  return {.kernels = arguments,
          .names = first_word(text) == "chainloader" ? kOnlyNames : names_of(arguments),
          // GRUB's copy of them could be shown as a command, and would not be judged.
          .is_ambiguous = !arguments.empty() && is_harmless(arguments)};
}

}  // namespace avouch::bootlog
