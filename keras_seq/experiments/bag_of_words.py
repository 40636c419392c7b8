"""The baseline that knows no order: counts of words, and a logistic regression."""

from keras_seq.text import get_tokenizer_class


class BagOfWords:
    r"""Logistic regression on weighted counts of words, with scikit-learn.

        x_w = tf(w) (1 + ln((1 + n) / (1 + n_w)))     then x / ||x||
        p   = softmax(W x + b)

    with tf(w) the count of the word in the text, n texts and n_w of them with the word:
    `TfidfVectorizer` and `LogisticRegression` as they are. The words are those of the tokenizers of
    this package, so that all models of a comparison read the same ones; one that training has not
    seen counts nothing. An empty text is answered by b alone.

    Args:
        tokens: `"word"`, `"char"` or `"subword"`.
        lowercase: whether texts are lower-cased.
        max_vocabulary: so many of the most frequent words; all where `None`.

    Example:

    >>> model = BagOfWords().fit(["a fine film", "dull", "fine", "a dull film"], list("+-+-"))
    >>> model.predict(["so fine", "dull"]), model.count_params()
    (['+', '-'], 5)

    References:
        - Sparck Jones, 1972, "A statistical interpretation of term specificity and its application
          in retrieval", Journal of Documentation 28(1).
    """

    def __init__(self, tokens="word", lowercase=False, max_vocabulary=None):
        self.tokens = tokens
        self.lowercase = lowercase
        self.max_vocabulary = max_vocabulary

    def fit(self, texts, labels):
        """Learn from texts and the names of their classes; returns the model itself."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        limit = {} if self.max_vocabulary is None else {"max_vocabulary": self.max_vocabulary}
        kind = get_tokenizer_class(self.tokens)
        self.tokenizer = kind.from_texts(texts, lowercase=self.lowercase, **limit)
        self.vectorizer = TfidfVectorizer(analyzer=list, max_features=self.max_vocabulary)
        self.regression = LogisticRegression(max_iter=1000)
        self.regression.fit(self.vectorizer.fit_transform(self._words(texts)), labels)
        return self

    def predict(self, texts):
        """Return the names of the classes of texts, a list of str."""
        return self.regression.predict(self.vectorizer.transform(self._words(texts))).tolist()

    def count_params(self):
        """The number of weights, biases included."""
        return int(self.regression.coef_.size + self.regression.intercept_.size)

    def _words(self, texts):
        return self.tokenizer.split(texts)
