import "./texts.test";
import "./tokens.test";
import "./pictures.test";
import "./keyboard.test";
import "./screens.test";
