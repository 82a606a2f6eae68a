"""What a simple model reaches on the same rows: the constant answer, and a linear model of TF-IDF, or a look-up.

Each function takes the run's own training and test rows and gives two scores, computed by regtune's own metrics.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import paired_cosine_distances
from sklearn.multiclass import OneVsRestClassifier

from regtune.data.dataset import Splits
from regtune.data.encode import EncodedRows
from regtune.data.example import Example
from regtune.evaluation.answers import Answered
from regtune.evaluation.metrics import METRICS

Scores = dict[str, float]  # by the baseline's name

INVERSE_PENALTY = 10.0  # C of logistic regression, the value the demo sets' baselines use
RIDGE_PENALTY = 1.0


def classification(splits: Splits, *, metric: str) -> Scores:
    """The commonest class, and logistic regression."""
    train, test = features(splits.train, splits.test)
    numbers = {name: number for number, name in enumerate(splits.label_names)}
    labels, gold = ([numbers[row.target] for row in rows] for rows in (splits.train, splits.test))
    linear = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000).fit(train, labels)
    constant = DummyClassifier(strategy="prior").fit(train, labels)
    return {
        "commonest class": score(metric, constant.predict_proba(test), gold),
        "TF-IDF, logistic": score(metric, linear.predict_proba(test), gold),
    }


def multi_label(splits: Splits, *, metric: str) -> Scores:
    """The labels that most rows have (none, where no label has half of them), and one logistic regression a label."""
    train, test = features(splits.train, splits.test)
    labels, gold = (
        np.array([[name in row.target for name in splits.label_names] for row in rows])
        for rows in (splits.train, splits.test)
    )
    one = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000, class_weight="balanced")
    linear = OneVsRestClassifier(one).fit(train, labels.astype(int))
    constant = np.tile(labels.mean(axis=0), (len(gold), 1))
    return {
        "commonest labels": score(metric, constant, gold),
        "TF-IDF, logistic": score(metric, linear.predict_proba(test), gold),
    }


def regression(splits: Splits, *, metric: str) -> Scores:
    """The mean, and ridge regression."""
    train, test = features(splits.train, splits.test)
    targets, gold = (np.array([row.target for row in rows]) for rows in (splits.train, splits.test))
    linear = Ridge(alpha=RIDGE_PENALTY).fit(train, targets)
    return {
        "mean": score(metric, np.full(len(gold), targets.mean()), gold),
        "TF-IDF, ridge": score(metric, linear.predict(test), gold),
    }


def tags(splits: Splits, *, metric: str) -> Scores:
    """No entity at all, and the commonest tag of each word in training; O for a word not seen there."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in splits.train:
        for word, tag in zip(row.inputs[0], row.target, strict=True):
            seen[word.lower()][tag] += 1
    commonest = {word: counts.most_common(1)[0][0] for word, counts in seen.items()}
    gold = [row.target for row in splits.test]
    return {
        "no entity": score(metric, [["O"] * len(each) for each in gold], gold),
        "commonest tag of each word": score(
            metric, [[commonest.get(word.lower(), "O") for word in row.inputs[0]] for row in splits.test], gold
        ),
    }


def unigram(train: EncodedRows, test: EncodedRows, *, vocabulary: int) -> Scores:
    """Perplexity of the training tokens' frequencies (one added to each) on the test tokens, the same the model reads.

    vocabulary: tokens that the model tells apart; guessing among them evenly is the other baseline.
    """
    counts = np.ones(vocabulary)
    for row in train.features:
        np.add.at(counts, row["labels"][1:], 1)  # the first token is given, not predicted
    losses = -np.log(counts / counts.sum())
    tokens = [token for row in test.features for token in row["labels"][1:]]
    return {"even guess": float(vocabulary), "frequencies": float(np.exp(losses[tokens].mean()))}


def features(train: Sequence[Example], test: Sequence[Example]) -> tuple[csr_matrix, csr_matrix]:
    """TF-IDF of words and pairs of words; of two texts a and b: a·b, |a − b| and their cosine. → (rows, features) ×2"""
    parts = [list(zip(*(row.inputs for row in rows), strict=True)) for rows in (train, test)]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(
        [text for part in parts[0] for text in part]
    )
    vectors = [[vectorizer.transform(part) for part in side] for side in parts]
    if len(parts[0]) == 1:
        return vectors[0][0], vectors[1][0]
    return pair_features(*vectors[0]), pair_features(*vectors[1])


def pair_features(a: csr_matrix, b: csr_matrix) -> csr_matrix:
    """(rows, words) twice → (rows, 2·words + 1)"""
    cosine = csr_matrix(1 - paired_cosine_distances(a, b)).T  # (rows, 1)
    return hstack([a.multiply(b), abs(a - b), cosine]).tocsr()


def score(metric: str, answers: Any, gold: Any) -> float:
    """A metric of regtune that reads answers and labels alone."""
    rows = len(gold)
    answered = Answered(answers=answers, labels=gold, losses=np.zeros(rows), units=np.ones(rows, dtype=np.int64))
    return METRICS[metric].value(answered)


OF_TASK = {
    "text-classification": classification,
    "multi-label": multi_label,
    "regression": regression,
    "token-classification": tags,
}
