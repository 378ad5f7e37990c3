/** Of the tree, in pixels: rows are equally high, which makes scrolling through thousands cheap. */
export const rowHeight = 44
