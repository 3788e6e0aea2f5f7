"""Who is dissatisfied, from texts that came with a score and facts beside them."""

import io

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from features.errors import BundleError
from features.inputs.satisfaction import Satisfaction
from features.inputs.texts import LOOKS, TextModel, tokens
from training.metrics import auc
from training.satisfaction import SatisfactionResult, train_satisfaction
from training.texts import fit_text

UNHAPPY = [
    "paketti ei tullut",
    "kengät hajosivat heti",
    "väärä koko, eikä kukaan vastaa",
    "box arrived soaked",
    "taas jonossa",
]
HAPPY = ["sopivat täydellisesti", "kaunis väri", "quick and friendly", "tulivat jo tiistaina", "äiti ilahtui kovasti"]
NEUTRAL = ["ostin tämän", "minulle", "koko 38", "second order", "lahjaksi"]


def told(n: int, seed: int, *, signal: bool = True) -> tuple[list[str], np.ndarray]:
    """`n` short texts and whether the writer is dissatisfied; without `signal` the two have nothing in common."""
    draw = np.random.default_rng(seed)
    truth = (draw.random(n) < 0.3).astype(float)
    said = truth if signal else draw.permutation(truth)
    texts = []
    for bad in said:
        mood = draw.choice(UNHAPPY if bad else HAPPY) if draw.random() < 0.8 else ""
        texts.append(f"{draw.choice(NEUTRAL)} {mood} {draw.choice(NEUTRAL)} {draw.integers(1000)}")
    return texts, truth


def test_new_texts_are_judged_by_what_was_learned() -> None:
    texts, truth = told(400, 1)
    fresh, is_bad = told(300, 2)
    probability = train_satisfaction(texts, truth).model.probability(fresh)
    assert auc(is_bad, probability) > 0.85
    assert abs(probability.mean() - is_bad.mean()) < 0.05


def test_shuffled_labels_give_chance() -> None:
    texts, truth = told(400, 3, signal=False)
    assert abs(train_satisfaction(texts, truth).auc(truth) - 0.5) < 0.1


def test_the_arrays_say_what_scikit_learns_vectoriser_says() -> None:
    texts, truth = told(120, 4)
    fitted = fit_text(texts, truth).model
    for at, look in enumerate(fitted.looks):
        grams_of = LOOKS[at]
        reference = TfidfVectorizer(analyzer=lambda text, of=grams_of: of(tokens(text)), min_df=2, sublinear_tf=True)
        matrix = reference.fit_transform(texts)
        assert reference.get_feature_names_out().tolist() == list(look.grams)
        alone = TextModel(
            (*[_silent(other) for other in fitted.looks[:at]], look, *map(_silent, fitted.looks[at + 1 :])), 0.0
        )
        np.testing.assert_allclose(alone.score(texts), sparse.csr_array(matrix) @ look.weight, atol=1e-9)


def test_saved_and_read_it_is_the_same_and_saving_twice_the_same_bytes(tmp_path) -> None:
    texts, truth = told(120, 5)
    first, again = (fit_text(texts, truth).model for _ in range(2))
    assert _bytes(first) == _bytes(again)
    file = tmp_path / "texts.npz"
    file.write_bytes(_bytes(first))
    assert TextModel.load(file).score(texts).tolist() == first.score(texts).tolist()
    file.write_bytes(_bytes(first)[:1000])
    with pytest.raises(BundleError, match="no text model"):
        TextModel.load(file)


def test_facts_are_used_where_they_tell_something_and_left_out_where_they_do_not() -> None:
    texts, truth = told(500, 6)
    draw = np.random.default_rng(6)
    late = np.where(truth > 0, draw.normal(4, 2, 500), draw.normal(-2, 2, 500))
    useful = train_satisfaction(texts, truth, late[:, None], ["days_late"])
    useless = train_satisfaction(texts, truth, draw.normal(size=(500, 1)), ["noise"])
    assert useful.auc(truth) > train_satisfaction(texts, truth).auc(truth)
    assert useless.model.trees is None
    assert "left out" in useless.notes[0]


def test_without_rated_texts_the_seed_words_judge() -> None:
    model = Satisfaction()
    worst, nothing, best = model.probability(
        ["Rikki ja myöhässä, pettynyt", "Tilaus 1234", "Kiitos, loistava palvelu!"]
    )
    assert best < nothing < worst
    assert model.causes("Broken, and nobody answers") == ["nobody answers", "broken", "nobody"]


@pytest.mark.parametrize("bad", [0, 3])
def test_too_few_of_one_kind_leave_it_to_the_seed_words(bad: int) -> None:
    texts, _ = told(50, 7)
    result = train_satisfaction(texts, np.repeat([1.0, 0.0], [bad, 50 - bad]))
    assert result.model.text is None
    assert f"hold {bad} of the rarer kind" in result.notes[0]


def test_texts_of_every_sort_are_judged() -> None:
    texts, truth = told(200, 8)
    model = train_satisfaction(texts, truth).model
    odd = ["", " ", "😡😡😡", "🎉", "a" * 10**6, "ei " * 10**5, "товар сломан 坏了 مكسور", "\x00\ud800", "\n\n"]
    probability = model.probability(odd)
    assert ((probability > 0) & (probability < 1)).all()


def test_the_words_that_weigh_most_are_told() -> None:
    texts, truth = told(400, 9)
    causes = train_satisfaction(texts, truth).model.causes("koko 38, mutta paketti ei tullut")
    assert set(causes) & {"ei", "tullut", "paketti"}
    assert "38" not in causes


def _silent(look):
    return type(look)(look.grams, look.idf, np.zeros(len(look.weight)))


def _bytes(model: TextModel) -> bytes:
    file = io.BytesIO()
    model.save(file)
    return file.getvalue()


def test_the_result_is_out_of_fold() -> None:
    texts, truth = told(200, 10)
    result = train_satisfaction(texts, truth)
    assert isinstance(result, SatisfactionResult)
    assert auc(truth, result.model.probability(texts)) > result.auc(truth)
