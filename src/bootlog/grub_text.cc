#include "bootlog/grub_text.h"

#include <string>

namespace avouch::bootlog {
namespace {

// Commands of GRUB 2.12 and of distributions' configurations that start no program, or run others
// that are measured by themselves (source, configfile, blscfg, eval).
constexpr std::string_view kHarmless =
    " . [ acpi authenticate background_color background_image badram blocklist blscfg boot break "
    "cat clear cmp color configfile continue cpuid crc cryptomount cutmem date devicetree distrust "
    "echo efitextmode eval exit export extract_entries_configfile extract_entries_source "
    "extract_legacy_entries_configfile extract_legacy_entries_source "
    "extract_syslinux_entries_configfile extract_syslinux_entries_source false file fwsetup "
    "getenv gettext gfxmode halt hashsum hdparm help hexdump hwmatch increment initrd initrd16 "
    "initrdefi initrdfail insmod keymap keystatus legacy_configfile legacy_source list_env "
    "list_trusted load_env load_video loadfont loopback ls lsacpi lsefi lsefimmap lsefisystab "
    "lsfonts lsmmap lsmod lspci md5sum menuentry nativedisk net_add_addr net_add_dns net_add_route "
    "net_bootp net_bootp6 net_del_addr net_del_dns net_del_route net_dhcp net_get_dhcp_option "
    "net_ipv6_autoconf net_ls_addr net_ls_cards net_ls_dns net_ls_routes net_nslookup normal "
    "normal_exit parttool password password_pbkdf2 play probe rdmsr read reboot recordfail regexp "
    "return rmmod save_env savedefault search search.file search.fs_label search.fs_uuid serial "
    "set "
    "setparams sha1sum sha256sum sha512sum shift sleep smbios source submenu terminal_input "
    "terminal_output terminfo test true trust unset usb vbeinfo verify_detached version videoinfo ";

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

std::string_view after_first_word(std::string_view text) {
  const std::size_t end = text.find(' ');
  return end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
}

bool is_harmless(std::string_view text) {
  const std::string_view first = first_word(text);
  if (first.empty()) return text.empty();
  if (kHarmless.find(" " + std::string(first) + " ") != std::string_view::npos) return true;
  // An assignment without `set`; copies of arguments with one in the first place have more words.
  const bool is_name = first.find_first_of("/()+") > first.find('=');
  return is_name && first.size() == text.size();
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
  if (is_harmless(text)) return {};
  if (!loads_kernel(first_word(text))) return {.kernels = text};
  const std::string_view arguments = after_first_word(text);
  // GRUB's copy of them could be shown as a command, and would not be judged.
  return {.kernels = arguments, .is_ambiguous = !arguments.empty() && is_harmless(arguments)};
}

}  // namespace avouch::bootlog
