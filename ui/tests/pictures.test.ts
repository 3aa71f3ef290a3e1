import assert from "node:assert/strict";
import { test } from "node:test";
import { codesWithPicture, pictureOf } from "../src/pictures/pictures";
import { failures } from "./states";

const codes = failures("en").map(({ code }) => code);

test("every failure that the program can give has a picture", () => {
  assert.ok(codes.length > 100);
  for (const code of codes) assert.notEqual(pictureOf(code), null, code);
});

test("no picture is kept for a failure that the program cannot give", () => {
  for (const code of codesWithPicture) assert.ok(codes.includes(code), code);
});
