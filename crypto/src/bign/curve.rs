//! The curves of STB 34.101.45-2013, tables B.1–B.3: y² = x³ − 3x + b over the field of p = 2^(2ℓ) − C, with the base
//! point G = (0, y_G) of prime order q.

use super::field::Element;
use super::point::Affine;

/// Parameters of one curve. Numbers are limbs, least significant first.
pub(super) struct Curve<const N: usize, const C: u64> {
    b: Element<N, C>,
    q: [u64; N],
    g: Affine<N, C>,
}

impl<const N: usize, const C: u64> Curve<N, C> {
    const fn new(b: [u64; N], q: [u64; N], y_of_g: [u64; N]) -> Self {
        let g = Affine::new(Element::ZERO, Element::from_limbs(y_of_g));
        Self { b: Element::from_limbs(b), q, g }
    }

    /// The order of G.
    pub(super) const fn q(&self) -> &[u64; N] {
        &self.q
    }

    /// The base point.
    pub(super) const fn g(&self) -> &Affine<N, C> {
        &self.g
    }

    /// Reads x ‖ y. `None` unless both are below p and the point is on the curve. The curve's order is prime, so any
    /// such point has order q.
    pub(super) fn point(&self, octets: &[u8]) -> Option<Affine<N, C>> {
        let (x, y) = octets.split_at_checked(8 * N)?;
        let (x, y) = (Element::from_octets(x)?, Element::from_octets(y)?);
        let right = (x.square() - Element::small(3)) * x + self.b;
        (y.square() == right).then(|| Affine::new(x, y))
    }
}

/// bign-curve256v1 (table B.1): p = 2^256 − 189.
pub(super) static CURVE_256: Curve<4, 189> = Curve::new(
    [0xB22E_7D6B_D69C_03F1, 0x4CF5_5069_978B_9253, 0xD2C1_3AAB_E4D8_FBBE, 0x77CE_6C15_15F3_A8ED],
    [0x7E5A_BF99_263D_6607, 0xD95C_8ED6_0DFB_4DFC, 0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF],
    [0x1E29_CF18_0451_6A93, 0x7891_3966_C408_F652, 0x5CE4_C9A3_51D6_835D, 0x6BF7_FC3C_FB16_D69F],
);

/// bign-curve384v1 (table B.2): p = 2^384 − 317.
pub(super) static CURVE_384: Curve<6, 317> = Curve::new(
    [
        0xBCA7_FC23_6873_BF64,
        0x14BD_E2F0_F3CE_BD7C,
        0xA621_6AF9_E971_2E3A,
        0x7127_48BB_0FFB_B196,
        0x3307_5AAB_655D_34D2,
        0x3C75_DFE1_959C_EF20,
    ],
    [
        0x3DB7_DC3F_F30C_A7B7,
        0x8046_DAE7_A6A4_FF0A,
        0x6CCC_C403_73AF_7BBB,
        0xFFFF_FFFF_FFFF_FFFE,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
    ],
    [
        0xEA5E_CB31_F733_C451,
        0x8440_3E27_6B2A_42F9,
        0x0549_E79E_66B1_D355,
        0x3A72_9A11_DC86_FFA0,
        0x6330_117E_432D_BF89,
        0x5D43_8224_A82E_9E9E,
    ],
);

/// bign-curve512v1 (table B.3): p = 2^512 − 569.
pub(super) static CURVE_512: Curve<8, 569> = Curve::new(
    [
        0x0934_6998_D613_9C90,
        0xEA86_2227_3A49_A27A,
        0x2933_008C_87AC_A243,
        0x2711_DCB5_C424_5E95,
        0x17CE_13E3_DAAD_B088,
        0x5BC6_A9EE_DD5D_2551,
        0xD88C_5D6A_60FD_5889,
        0x6CB4_5944_933B_8C43,
    ],
    [
        0xDCFF_AD49_0D06_8EF1,
        0x361B_CAE5_9556_DF32,
        0xF26B_EBB0_2E21_13F4,
        0xB2C0_092C_0198_004E,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
    ],
    [
        0xB792_AE6F_CEEF_EDBD,
        0x67AA_83B9_C94C_0D04,
        0xFF77_7395_EEE8_2261,
        0x6973_DDE2_0EFA_6FD2,
        0xD2ED_F81B_00CC_CADA,
        0xB0AB_41B3_B361_BCE2,
        0xB182_E6F7_A0D1_8FAB,
        0xA826_FF7A_E403_7681,
    ],
);
