"""Reads what SageMaker's data capture wrote: the bytes of one object in, counts and statistics out. Pure.

    bytes -- gzip_stream --> uncompressed bytes -- lines --> blocks of whole lines
          -- a reader (row_reader) --> rows -- batch_accumulator --> tables of column statistics --> summary

`summary` drives this pipeline, and data only moves forward. Two readers share each block. Both decode lines into
envelopes (`envelope`), and payloads into rows (`lazy_rows`):

| reader                             | reads                                         | with                           |
|------------------------------------|-----------------------------------------------|--------------------------------|
| block_reader.VectorizedBlockReader | the plainly well-formed lines, all at once;   | payload_forms, csv_tokenizer,  |
|                                    | it leaves the other lines                     | json_layouts                   |
| record_reader.RecordReader         | the lines that are left, one by one; it       | payload: csv_reader,           |
|                                    | rejects what cannot be read                   | json_tables, json_chunks       |

JSON goes from text to values (`json_values`), from a document to rows (`json_tables`), and from a record to named cells
(`flatten`).

`captured_requests` gives the rows themselves, without statistics. `options` holds the limits, `rejection_reasons` the
reasons. The table at the top of `summary` lists what is read and what is rejected.
"""
