// A file that is dropped beside the place for it: the browser would leave the page for it.

export function refuseDrops(): void {
  window.addEventListener("dragover", refuse);
  window.addEventListener("drop", refuse);
}

/** Whoever takes files has said so by now. */
function refuse(event: DragEvent): void {
  const { dataTransfer } = event;
  if (event.defaultPrevented || !dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  dataTransfer.dropEffect = "none";
}
