#include "webhook/live_reader.h"

#include <algorithm>
#include <map>
#include <utility>

namespace avouch::webhook {

using std::chrono::milliseconds;

LiveReader::LiveReader(LiveReads& reads, Clock& clock)
    : reads_(reads), clock_(clock), thread_([this](const std::stop_token& stop) { run(stop); }) {}

LiveReader::~LiveReader() {
  thread_.request_stop();
  thread_.join();
  for (const Question& question : waiting_) question.answer(retryable("the webhook is stopping"));
}

void LiveReader::ask(Question question) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < kMaxWaiting && question.bytes <= kMaxBytes - bytes_) {
      bytes_ += question.bytes;
      waiting_.push_back(std::move(question));
      wake_.notify_one();
      return;
    }
  }
  question.answer(retryable("too many reviews wait for the API server to be asked"));
}

void LiveReader::run(const std::stop_token& stop) {
  for (;;) {
    std::vector<Question> questions;
    std::size_t bytes = 0;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !waiting_.empty(); }) || stop.stop_requested()) {
        return;
      }
      questions.swap(waiting_);
      bytes = bytes_;
    }
    round(std::move(questions));
    const std::lock_guard lock(mutex_);
    bytes_ -= bytes;
  }
}

milliseconds LiveReader::time_for(const std::vector<Question>& questions) {
  SteadyTime last{};
  for (const Question& question : questions) last = std::max(last, question.give_up);
  return std::min(kTimeout, last - clock_.steady_now());
}

// One answer about the policies for all, and one for each namespace.
void LiveReader::round(std::vector<Question> questions) {
  std::map<std::string, std::vector<Question>> by_namespace;
  for (Question& question : questions) by_namespace[question.ns].push_back(std::move(question));
  std::optional<Result<void>> policies;
  for (const auto& [ns, asked] : by_namespace) {
    Result<admission::LiveFacts> answer = retryable("there was no time to ask the API server");
    if (const milliseconds time = time_for(asked); time > milliseconds(0)) {
      auto labels = reads_.namespace_labels(ns, time);
      if (!policies) policies = reads_.policies_current(time);
      if (!labels.has_value()) {
        answer = std::move(labels).error();
      } else if (!policies->has_value()) {
        answer = policies->error();
      } else {
        answer = admission::LiveFacts{*std::move(labels)};
      }
    }
    for (const Question& question : asked) question.answer(answer);
  }
}

}  // namespace avouch::webhook
