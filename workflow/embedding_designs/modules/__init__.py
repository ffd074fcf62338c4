"""The Sentence Transformers modules of a model; these files are copied to every saved model folder.

They import only each other of this project, so a model loads with only sentence-transformers installed.
"""
