/** How much larger than usual letters are: figures, whose sizes are in pixels, follow. */

export const letters = $state({ scale: 1 });
