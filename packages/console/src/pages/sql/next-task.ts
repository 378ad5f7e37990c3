/** Lets the page be drawn and clicked on meanwhile. */
export const untilNextTask = async (): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve))
