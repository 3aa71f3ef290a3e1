//! Points of y² = x³ − 3x + b. Variable time: for public data only.

use super::field::Element;

/// A point other than O, by its coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Affine<const N: usize, const C: u64> {
    x: Element<N, C>,
    y: Element<N, C>,
}

impl<const N: usize, const C: u64> Affine<N, C> {
    pub(super) const fn new(x: Element<N, C>, y: Element<N, C>) -> Self {
        Self { x, y }
    }

    pub(super) const fn x(&self) -> &Element<N, C> {
        &self.x
    }
}

/// A point in Jacobian coordinates: (X/Z², Y/Z³); O has Z = 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jacobian<const N: usize, const C: u64> {
    x: Element<N, C>,
    y: Element<N, C>,
    z: Element<N, C>,
}

impl<const N: usize, const C: u64> Jacobian<N, C> {
    pub(super) const INFINITY: Self = Self { x: Element::ONE, y: Element::ONE, z: Element::ZERO };

    pub(super) fn is_infinity(&self) -> bool {
        self.z.is_zero()
    }

    /// 2·self in 4 multiplications and 4 squarings. With half of the usual slope the new Z is Y·Z and most small
    /// factors vanish: λ = 3/2·(X − Z²)(X + Z²), X' = λ² − 2XY², Y' = λ(XY² − X') − Y⁴. O stays O.
    #[inline]
    pub(super) fn double(&self) -> Self {
        let zz = self.z.square();
        let yy = self.y.square();
        let slope = ((self.x - zz) * (self.x + zz)).three_halves();
        let xyy = self.x * yy;
        let x = slope.square() - xyy.double();
        let y = slope * (xyy - x) - yy.square();
        Self { x, y, z: self.y * self.z }
    }

    /// self + other, in 8 multiplications and 3 squarings.
    #[inline]
    pub(super) fn add_affine(&self, other: &Affine<N, C>) -> Self {
        if self.is_infinity() {
            return Self::from(*other);
        }
        let zz = self.z.square();
        let h = other.x * zz - self.x;
        let r = other.y * zz * self.z - self.y;
        if h.is_zero() {
            return if r.is_zero() { self.double() } else { Self::INFINITY };
        }
        let hh = h.square();
        let hhh = h * hh;
        let v = self.x * hh;
        let x = r.square() - hhh - v.double();
        let y = r * (v - x) - self.y * hhh;
        Self { x, y, z: self.z * h }
    }

    /// The coordinates. `None` for O.
    pub(super) fn to_affine(self) -> Option<Affine<N, C>> {
        if self.is_infinity() {
            return None;
        }
        let inverse = self.z.inverse();
        let squared = inverse.square();
        Some(Affine { x: self.x * squared, y: self.y * squared * inverse })
    }
}

impl<const N: usize, const C: u64> From<Affine<N, C>> for Jacobian<N, C> {
    fn from(point: Affine<N, C>) -> Self {
        Self { x: point.x, y: point.y, z: Element::ONE }
    }
}
