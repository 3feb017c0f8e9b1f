"""The modelling core: flat files in, models as JSON out. No Django, no database; heavy libraries are imported inside functions.

`tables.read` reads a file, `train.train` fits and measures, `edit.refit` fits again with bins set by hand. What comes out is served by
`risk.scoring.load`, which needs none of this package.
"""
