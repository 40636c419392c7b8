/** Tags: their colours, and what the universal parts of speech mean. */

export const UPOS: Record<string, string> = {
  ADJ: "adjective", ADP: "adposition", ADV: "adverb", AUX: "auxiliary", CCONJ: "coordinating conjunction",
  DET: "determiner", INTJ: "interjection", NOUN: "noun", NUM: "numeral", PART: "particle", PRON: "pronoun",
  PROPN: "proper noun", PUNCT: "punctuation", SCONJ: "subordinating conjunction", SYM: "symbol", VERB: "verb", X: "other",
};
/** What goes together has one colour: the names say the rest. */
const FAMILIES = [["NOUN", "PROPN"], ["VERB", "AUX"], ["ADJ", "ADV"], ["PRON", "DET"], ["ADP", "SCONJ", "CCONJ", "PART"], ["NUM", "SYM"]];
const COLORS = ["--blue", "--vermillion", "--green", "--sky", "--pink", "--orange"];

/** The colour of a tag; the parts of a span, as B-PER and I-PER, share one. */
export function tagColor(tag: string, names: readonly string[]): string {
  const plain = (name: string) => name.replace(/^[BIESULM]-/, "");
  if (tag === "O" || !tag) return "var(--line)";
  let family = FAMILIES.findIndex((tags) => tags.includes(tag));
  if (tag in UPOS && family < 0) return "var(--edge)";
  if (family < 0) family = [...new Set(names.map(plain))].filter((name) => name !== "O").indexOf(plain(tag)) % COLORS.length;
  return `var(${COLORS[family]})`;
}
