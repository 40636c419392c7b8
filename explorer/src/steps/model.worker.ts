import { decide } from "./decide";
import { serve } from "./serve";
import { tag } from "./tag";
import { translate } from "./translate";
import { write } from "./write";

serve({ Seq2Seq: translate, LanguageModel: write, TextTagger: tag, TextClassifier: decide });
