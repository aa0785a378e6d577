#include "options/settings_for_options.hpp"

#include <gtest/gtest.h>

#include "subcommands.hpp"

namespace ieum::cli {
namespace {

TEST(SettingsForOptions, are_named_where_a_command_has_no_such_options) {
  const std::vector<OptionSpec> options = options_of(*find_subcommand("listen"));
  EXPECT_EQ(with_settings("name its issuer with --ca", options), "name its issuer with ?ca=FILE");
  EXPECT_EQ(with_settings("give one with --cert PEM and --key, or write --self-signed", options),
            "give one with ?cert=PEM and ?key=FILE, or write ?self-signed=1");
  EXPECT_EQ(with_settings("see --keep and --nosuch; - and -- stay", options),
            "see --keep and --nosuch; - and -- stay");
  EXPECT_EQ(with_settings("with --self-signed --key", options), "with ?self-signed=1&key=FILE");
  EXPECT_EQ(with_settings("", options), "");
}

}  // namespace
}  // namespace ieum::cli
