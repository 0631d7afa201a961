#pragma once

// The volume that the log shares with the other stores: who may still write when it runs short.
//
//   available < reserve       no denials are recorded: whoever may create pods can provoke them
//   available < 3/4 of it     no allows either, which the webhooks then spool or deny, and no
//   records available < 1/4 of it     no evidence is kept
//
// The same by files (inodes), where the file system has a number of them: small files can use them
// up while there is space. What is left is for verdicts on nodes and epochs: however many reviews
// somebody has sent, or made up, no node loses its trust by it. Pure, but for SpaceSource.

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace avouch::control {

struct VolumeSpace {
  std::uint64_t available = 0;  // bytes that this process can still write
  std::uint64_t size = 0;
  std::uint64_t files_available = 0;  // that this process can still make
  std::uint64_t files = 0;            // 0: the file system has no bound of them
};

// Thread-safe and quick. An error where the file system does not say.
using SpaceSource = std::function<Result<VolumeSpace>()>;

// The lesser of the two is what counts, so that a large volume does not keep back too much, and a
// small one keeps some.
struct VolumeReserve {
  std::uint64_t bytes = 1024ULL * 1024 * 1024;
  unsigned percent = 10;  // of the volume's size, and of its files
};

class LogVolume {
 public:
  LogVolume(VolumeReserve reserve, SpaceSource space)
      : reserve_(reserve), space_(std::move(space)) {}

  // Where the space is not known everything is taken: an append that fails says so by itself.
  bool takes_denials() const;
  bool takes_allows() const;
  bool takes_records(std::uint64_t more) const;  // so many bytes
  bool takes_evidence(std::uint64_t more) const;

  Result<VolumeSpace> space() const { return space_(); }
  std::uint64_t reserve_of(const VolumeSpace& space) const;
  // That share, 65,536 at most; none where no bytes are kept back either.
  std::uint64_t reserve_of_files(const VolumeSpace& space) const;

 private:
  // True where with `more` bytes written `quarters` of the reserve are left.
  bool leaves(unsigned quarters, std::uint64_t more) const;

  const VolumeReserve reserve_;
  const SpaceSource space_;
};

// No file can be made, whatever space there is.
bool lacks_files(const VolumeSpace& space);

// "3145728 of 10737418240 bytes and 12 of 655360 files (inodes) are left"; files where they have a
// bound.
std::string describe(const VolumeSpace& space);

}  // namespace avouch::control
