/** The models that are served beside the page: `models/index.json` lists them. */

export interface Served {
  name: string;
  kind: string;
}

export const MODELS = new URL("models/", document.baseURI).href;

export async function servedModels(): Promise<Served[]> {
  const answer = await fetch(`${MODELS}index.json`).catch(() => null);
  return answer?.ok ? answer.json() : [];
}
