"""The Sentence Transformers modules of a model. These files travel in every saved model folder.

They import nothing of this project but each other, so that a model loads where only sentence-transformers is.
"""
