"""Regularisers: their formulas against loops in numpy, that they act on what they are for, and on training."""

import numpy as np
import pandas as pd
import pytest
import torch

from downstream.data import load_task
from downstream.forecasting.task import ForecastingTask
from encoders.operators.patch_attention import PatchAttention
from encoders.operators.times_block import TimesBlock
from nas.labels.end_to_end import LinearForecaster, train_supervised
from nas.labels.relatives.names import REGULARIZERS, regularizer_and_weight
from nas.labels.relatives.regularizers import FORMULAS, gram_error, penalty_of, steadiness, unevenness
from nas.labels.relatives.table import relative
from nas.options.using.encoders import EvaluateOptions

OWNERS = [(name, owner) for name, (owners, _) in REGULARIZERS.items() for owner in owners]


def load() -> ForecastingTask:
    values = np.sin(np.arange(300) / 2)[:, None] + 0.1 * np.random.default_rng(0).normal(size=(300, 2))
    task = load_task(pd.DataFrame(values, columns=["a", "b"]), kind="forecasting", window=24, horizons=(5,))
    assert isinstance(task, ForecastingTask)
    return task


def model_of(name: str) -> LinearForecaster:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LinearForecaster(relative(name).encoder, variates=2, n_targets=2, window=24, horizon=5)


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_orthogonality_by_hand() -> None:
    matrix = random(5, 3).double()
    columns = matrix.numpy()
    expected = sum((columns[:, i] @ columns[:, j] - (i == j)) ** 2 for i in range(3) for j in range(3))
    assert float(gram_error(matrix)) == pytest.approx(expected)
    assert float(gram_error(torch.linalg.qr(matrix).Q)) == pytest.approx(0.0, abs=1e-12)
    assert float(gram_error(torch.zeros(4, 3))) == 3.0


def test_steadiness_by_hand() -> None:
    features = random(2, 1, 6, 3).double()
    values = features.numpy()
    steps = [
        (values[b, 0, t, h] - values[b, 0, t - 1, h]) ** 2 for b in range(2) for t in range(1, 6) for h in range(3)
    ]
    assert float(steadiness(features)) == pytest.approx(np.mean(steps))
    assert float(steadiness(features[:, :, :1].expand(2, 1, 6, 3))) == 0.0
    assert float(steadiness(features[:, :, :1])) == 0.0


def test_unevenness_by_hand() -> None:
    shares = random(4, 5).double().softmax(dim=1)
    rows = shares.numpy()
    expected = np.mean([sum(p * np.log(p / 0.2) for p in row) for row in rows])
    assert float(unevenness(shares)) == pytest.approx(expected)
    assert float(unevenness(torch.full((3, 7), 1 / 7))) == pytest.approx(0.0, abs=1e-6)
    assert float(unevenness(torch.eye(4))) == pytest.approx(np.log(4))  # one key has it all


def test_what_patches_count_is_what_their_attention_uses() -> None:
    attention = PatchAttention(32, depth=0, dropout=0.0).block.attention
    tokens = random(3, 6, 32)
    keys = torch.tensor([[True] * 4 + [False] * 2, [True] * 6, [False] * 6])
    with torch.no_grad():
        value = attention.query_key_value(tokens)[:, :, 64:].unflatten(2, (attention.heads, -1)).transpose(1, 2)
        mixed = (attention.weights(tokens, keys=keys) @ value).transpose(1, 2).flatten(2)
        torch.testing.assert_close(attention.output(mixed), attention(tokens, keys=keys))
        assert float(attention.weights(tokens, keys=keys)[0, :, :, 4:].abs().max()) == 0.0


@pytest.mark.parametrize(("name", "owner"), OWNERS)
def test_a_penalty_is_of_the_latest_pass_in_training_and_has_a_gradient(name: str, owner: str) -> None:
    model, x = model_of(owner), random(4, 24, 2)
    with penalty_of(name, model) as penalty:
        model.eval()(x)  # a probe in between is not counted
        model.train()(x)
        value = penalty()
        value.backward()  # type: ignore[no-untyped-call]
        assert value.shape == () and value.item() > 0.0
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        assert gradients and any(float(gradient.abs().max()) > 0 for gradient in gradients)
    hooks = [module for module in model.modules() if module._forward_hooks or module._forward_pre_hooks]
    assert not hooks


def test_frequency_features_are_what_a_block_adds() -> None:
    model, x = model_of("timesnet"), random(2, 24, 2)
    first = next(module for module in model.modules() if isinstance(module, TimesBlock))
    added: list[torch.Tensor] = []
    with penalty_of("frequency_consistency", model) as penalty:
        for block in (module for module in model.modules() if isinstance(module, TimesBlock)):
            block.register_forward_hook(lambda _, inputs, output: added.append(output - inputs[0]))
        model.train()(x)
        expected = np.mean([float((each[:, :, 1:] - each[:, :, :-1]).square().mean()) for each in added])
        assert len(added) == 2 and float(penalty()) == pytest.approx(expected, rel=1e-5)
    assert first.training


@pytest.mark.parametrize(("name", "owner"), OWNERS)
def test_training_with_it_makes_it_smaller(name: str, owner: str) -> None:
    task, encoder = load().without_test(), relative(owner).encoder
    x = random(8, 24, 2)

    def after(regularizer: tuple[str, float] | None) -> float:
        model = train_supervised(encoder, task, iterations=6, regularizer=regularizer, learning_rate=1e-3).model
        with torch.no_grad(), penalty_of(name, model) as penalty:
            torch.manual_seed(0)
            model.train()(x)
            return float(penalty())

    assert after((name, 10.0)) < after(None)


def test_names_and_weights_are_read() -> None:
    assert FORMULAS.keys() == REGULARIZERS.keys()
    assert regularizer_and_weight("orthogonality", baseline="timexer") == ("orthogonality", 1e-3)
    assert EvaluateOptions(
        data="d.csv", baseline="timesnet", regularizer="frequency_consistency=2e-1"
    ).regularization == (
        "frequency_consistency",
        0.2,
    )
