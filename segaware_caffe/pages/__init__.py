"""What the HTML files that the package writes have in common: one file that needs no other, one style, dark as the reader's system is."""

from segaware_caffe.pages.document import write_document

__all__ = ["write_document"]
