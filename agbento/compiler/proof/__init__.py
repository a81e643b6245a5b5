"""The rooms of the proof that a compiled predictor answers as AutoGluon does; `compiler.verify` is the way in."""
