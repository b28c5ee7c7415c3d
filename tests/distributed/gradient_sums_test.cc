#include "ecg/distributed/gradient_sums.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <memory>
#include <vector>

#include "ecg/distributed/process_group.h"
#include "gtest/gtest.h"
#include "tests/distributed/ranks.h"

namespace ecg {
namespace {

constexpr int kBatch = 12;

// Net has a layer that no forward pass uses, and one that is used twice.
class Net : public torch::nn::Module {
 public:
  Net()
      : first_(register_module("first", torch::nn::Linear(6, 20))),
        twice_(register_module("twice", torch::nn::Linear(20, 20))),
        unused_(register_module("unused", torch::nn::Linear(3, 3))),
        last_(register_module("last", torch::nn::Linear(20, 2))) {}

  torch::Tensor forward(const torch::Tensor& x) { return last_(twice_(twice_(first_(x)).relu()).relu()); }

 private:
  torch::nn::Linear first_, twice_, unused_, last_;
};

class GradientSumsTest : public testing::Test {
 protected:
  GradientSumsTest() {
    torch::manual_seed(1);
    input_ = torch::randn({kBatch, 6});
  }

  static std::shared_ptr<Net> MakeNet() {
    torch::manual_seed(2);
    return std::make_shared<Net>();
  }

  static std::vector<torch::Tensor> InGradientOrder(const Net& net) {
    const std::vector<torch::Tensor> parameters = net.parameters();
    return {parameters.rbegin(), parameters.rend()};
  }

  static std::vector<torch::Tensor> GradientsOf(const Net& net) {
    std::vector<torch::Tensor> gradients;
    for (const torch::Tensor& parameter : net.parameters()) gradients.push_back(parameter.grad());
    return gradients;
  }

  // Expected returns the gradients of the loss over the whole batch.
  std::vector<torch::Tensor> Expected(bool first_is_frozen = false) const {
    const auto net = MakeNet();
    if (first_is_frozen) net->named_parameters()["first.weight"].set_requires_grad(false);
    net->forward(input_).square().sum().backward();
    return GradientsOf(*net);
  }

  torch::Tensor Share(const ProcessGroup& group) const {
    const int64_t share = kBatch / group.size();
    return input_.narrow(0, group.rank() * share, share);
  }

  static void ExpectNear(const std::vector<torch::Tensor>& found, const std::vector<torch::Tensor>& expected,
                         double tolerance) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].defined(), expected[i].defined()) << i;
      if (!found[i].defined()) continue;
      EXPECT_LE((found[i] - expected[i]).norm().item<double>(), tolerance * expected[i].norm().item<double>()) << i;
    }
  }

  // Sum returns the gradients of each rank after one step by `options`.
  std::vector<std::vector<torch::Tensor>> Sum(int size, const GradientSums::Options& options) const {
    std::vector<std::shared_ptr<Net>> nets;
    for (int rank = 0; rank < size; ++rank) nets.push_back(MakeNet());
    std::vector<std::vector<torch::Tensor>> gradients(size);
    RunAsThreads(size, [&](ProcessGroup& group) {
      Net& net = *nets[group.rank()];
      GradientSums sums(InGradientOrder(net), group, options);
      sums.Begin();
      net.forward(Share(group)).square().sum().backward();
      sums.Wait();
      gradients[group.rank()] = GradientsOf(net);
    });
    return gradients;
  }

  torch::Tensor input_;
};

TEST_F(GradientSumsTest, AreThoseOfTheWholeBatchWithBucketsOfAnySize) {
  const std::vector<torch::Tensor> expected = Expected();
  for (const int size : {2, 3, 4}) {
    for (const int64_t bucket_bytes : {1, 500, 4 << 20}) {
      const auto gradients = Sum(size, {.bucket_bytes = bucket_bytes});
      for (const auto& of_rank : gradients) {
        ExpectNear(of_rank, expected, 1e-6);
        for (size_t i = 0; i < of_rank.size(); ++i) {
          if (of_rank[i].defined()) {
            EXPECT_TRUE(of_rank[i].equal(gradients[0][i])) << i;
          }
        }
      }
    }
  }
}

TEST_F(GradientSumsTest, InBfloat16AreRoundedToEightBits) {
  const std::vector<torch::Tensor> expected = Expected();
  for (const auto& of_rank : Sum(3, {.bfloat16 = true})) {
    ExpectNear(of_rank, expected, 1.0 / 128);
    EXPECT_FALSE(of_rank[0].equal(expected[0]));
  }
}

TEST_F(GradientSumsTest, LeaveOutParametersThatAreFrozen) {
  const std::vector<torch::Tensor> expected = Expected(/*first_is_frozen=*/true);
  EXPECT_FALSE(expected[0].defined());
  std::vector<std::shared_ptr<Net>> nets = {MakeNet(), MakeNet()};
  RunAsThreads(2, [&](ProcessGroup& group) {
    Net& net = *nets[group.rank()];
    GradientSums sums(InGradientOrder(net), group, {});
    net.named_parameters()["first.weight"].set_requires_grad(false);
    sums.Begin();
    net.forward(Share(group)).square().sum().backward();
    sums.Wait();
    ExpectNear(GradientsOf(net), expected, 1e-6);
  });
}

TEST_F(GradientSumsTest, OfSeveralPassesAreExchangedOnce) {
  const std::vector<torch::Tensor> expected = Expected();
  std::vector<std::shared_ptr<Net>> nets = {MakeNet(), MakeNet()};
  RunAsThreads(2, [&](ProcessGroup& group) {
    Net& net = *nets[group.rank()];
    GradientSums sums(InGradientOrder(net), group, {});
    const std::vector<torch::Tensor> halves = Share(group).chunk(2);
    net.forward(halves[0]).square().sum().backward();
    sums.Begin();
    net.forward(halves[1]).square().sum().backward();
    sums.Wait();
    ExpectNear(GradientsOf(net), expected, 1e-6);
  });
}

}  // namespace
}  // namespace ecg
