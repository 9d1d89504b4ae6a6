/** @file Runs anywhere. The version of what the readers make of the same bytes. */

/** Goes up whenever a reader or the Treebank tokenizer changes what it reads; stored with every data set. */
export const READER_VERSION = 1;
