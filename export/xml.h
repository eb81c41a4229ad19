/* export/xml.h - the few elements that S3's answers are read for.
 *
 * No parser of XML: elements are found by name, without attributes, comments or namespaces, which S3
 * sends on the outermost element alone. */
#pragma once
#include "base/buf.h"

/* The content of the first <name> in `xml`, entities as they are; false: there is none. *ret_rest, where
 * not NULL, is what follows its end. */
bool xml_find(Str xml, const char *name, Str *ret_content, Str *ret_rest);

/* Text as it was before it became XML. False: an entity that is none. */
bool xml_put_text(Buf *out, Str content);
