import { mount } from "svelte";
import Window from "./Window.svelte";

const place = document.getElementById("window");
if (place) mount(Window, { target: place });
