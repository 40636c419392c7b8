/** The settings of a view, which its host keeps. */

import { read, type Limits, type Value } from "./address";
import { getHost } from "./host";

/** To be called while the view is made. */
export function settings<T extends Record<string, Value>>(view: string, defaults: T, limits: Limits<T> = {}): T {
  const host = getHost();
  const values = $state(read(defaults, limits, host.params()));
  $effect(() => host.keep(view, values, defaults));
  return values;
}
