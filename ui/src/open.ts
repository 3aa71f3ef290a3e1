/// Puts the window on the page, over any backend.

import { mount } from "svelte";
import "./base.css";
import type { Backend } from "./backend";
import Window from "./Window.svelte";

export const open = async (backend: Backend): Promise<void> => {
  const place = document.getElementById("window");
  if (!place) return;
  const first = await backend.snapshot();
  mount(Window, { target: place, props: { backend, first } });
};
