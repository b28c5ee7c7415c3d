#include "ecg/distributed/membership.h"

#include <stdlib.h>

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using testing::HasSubstr;

class MembershipTest : public testing::Test {
 protected:
  // Read returns what an environment of only these variables says.
  static absl::StatusOr<std::optional<Membership>> Read(const std::map<std::string, std::string>& variables) {
    clearenv();
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
    return MembershipFromEnvironment();
  }

  static std::string ErrorOf(const std::map<std::string, std::string>& variables) {
    return std::string(Read(variables).status().message());
  }
};

TEST_F(MembershipTest, OneProcessIsNoGroup) {
  for (const auto& variables :
       {std::map<std::string, std::string>{}, {{"WORLD_SIZE", "1"}, {"RANK", "0"}}, {{"OMPI_COMM_WORLD_SIZE", "1"}}}) {
    const auto membership = Read(variables);
    ASSERT_TRUE(membership.ok()) << membership.status();
    EXPECT_FALSE(membership->has_value());
  }
}

TEST_F(MembershipTest, TorchrunsVariablesAreRead) {
  const auto read = Read({{"RANK", "5"},
                          {"WORLD_SIZE", "8"},
                          {"LOCAL_RANK", "1"},
                          {"LOCAL_WORLD_SIZE", "4"},
                          {"MASTER_ADDR", "node01"},
                          {"MASTER_PORT", "1234"},
                          {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                          {"TORCHELASTIC_RESTART_COUNT", "2"}});
  ASSERT_TRUE(read.ok()) << read.status();
  const Membership& membership = **read;
  EXPECT_EQ(membership.rank, 5);
  EXPECT_EQ(membership.size, 8);
  EXPECT_EQ(membership.local_rank, 1);
  EXPECT_EQ(membership.local_size, 4);
  EXPECT_EQ(membership.master_address, "node01");
  EXPECT_EQ(membership.master_port, 1235);  // torchrun itself listens on the other
  EXPECT_EQ(membership.restarts, 2);
}

TEST_F(MembershipTest, ProcessesOfMpirunOnOneHostMeetOnTheLoopback) {
  const auto read = Read({{"OMPI_COMM_WORLD_RANK", "1"},
                          {"OMPI_COMM_WORLD_SIZE", "2"},
                          {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                          {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->rank, 1);
  EXPECT_EQ((*read)->master_address, "127.0.0.1");
  EXPECT_EQ((*read)->master_port, 29500);
}

TEST_F(MembershipTest, ProcessesOfSrunMeetOnTheFirstHostOfTheStep) {
  const auto read = Read({{"SLURM_PROCID", "3"},
                          {"SLURM_STEP_NUM_TASKS", "4"},
                          {"SLURM_LOCALID", "1"},
                          {"SLURM_STEP_TASKS_PER_NODE", "2(x2)"},
                          {"SLURM_STEP_NODELIST", "gpu[07-08]"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->local_size, 2);
  EXPECT_EQ((*read)->master_address, "gpu07");
}

TEST_F(MembershipTest, SrunThatSpeaksPmiSaysMoreInItsOwnVariables) {
  const auto read = Read({{"PMI_RANK", "3"},
                          {"PMI_SIZE", "4"},
                          {"SLURM_PROCID", "3"},
                          {"SLURM_STEP_NUM_TASKS", "4"},
                          {"SLURM_LOCALID", "1"},
                          {"SLURM_STEP_TASKS_PER_NODE", "2(x2)"},
                          {"SLURM_STEP_NODELIST", "gpu[07-08]"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->local_rank, 1);
  EXPECT_EQ((*read)->local_size, 2);
}

TEST_F(MembershipTest, ProcessesOfMpirunInAJobOfSlurmMeetOnTheFirstHostOfTheJob) {
  // On the second host, where mpirun has started its helper by srun.
  const auto read = Read({{"OMPI_COMM_WORLD_RANK", "2"},
                          {"OMPI_COMM_WORLD_SIZE", "4"},
                          {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                          {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                          {"SLURM_STEP_NUM_TASKS", "1"},
                          {"SLURM_STEP_NODELIST", "gpu08"},
                          {"SLURM_JOB_NODELIST", "gpu[07-08]"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->rank, 2);
  EXPECT_EQ((*read)->master_address, "gpu07");
}

TEST_F(MembershipTest, ABatchScriptOfSlurmIsOneProcess) {
  const auto read = Read({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->has_value());
}

TEST_F(MembershipTest, AGroupOfTheEnvironmentCanBeLeft) {
  for (const auto& variables : {std::map<std::string, std::string>{{"RANK", "1"}, {"WORLD_SIZE", "2"}},
                                {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}},
                                {{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}},
                                {{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}}) {
    ASSERT_TRUE(Read(variables).value().has_value());
    LeaveGroupOfEnvironment();
    EXPECT_FALSE(MembershipFromEnvironment().value().has_value());
  }
}

TEST_F(MembershipTest, AnIncompleteEnvironmentIsRefusedByName) {
  EXPECT_THAT(ErrorOf({{"WORLD_SIZE", "2"}}), HasSubstr("$RANK"));
  EXPECT_THAT(ErrorOf({{"WORLD_SIZE", "2"}, {"RANK", "2"}}), HasSubstr("ranks count from 0"));
  EXPECT_THAT(ErrorOf({{"WORLD_SIZE", "two"}, {"RANK", "0"}}), HasSubstr("\"two\"; expected a whole number"));
  EXPECT_THAT(ErrorOf({{"WORLD_SIZE", "2"}, {"RANK", "-1"}}), HasSubstr("$RANK is \"-1\""));
  EXPECT_THAT(ErrorOf({{"WORLD_SIZE", "2"}, {"RANK", "0"}, {"LOCAL_WORLD_SIZE", "1"}}), HasSubstr("$MASTER_ADDR"));
  EXPECT_THAT(ErrorOf({{"WORLD_SIZE", "2"}, {"RANK", "0"}, {"MASTER_PORT", "70000"}}), HasSubstr("1 to 65535"));
}

TEST(FirstHostTest, IsThatOfASlurmList) {
  EXPECT_EQ(FirstHost("node01"), "node01");
  EXPECT_EQ(FirstHost("node01,node02"), "node01");
  EXPECT_EQ(FirstHost("node[01-03,7],login"), "node01");
  EXPECT_EQ(FirstHost("node[5,7]"), "node5");
  EXPECT_EQ(FirstHost("a[2]"), "a2");
  EXPECT_EQ(FirstHost(""), "");
}

}  // namespace
}  // namespace ecg
