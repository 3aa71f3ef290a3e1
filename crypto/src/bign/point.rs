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

    #[inline(always)]
    pub(super) fn negative(&self) -> Self {
        Self { x: self.x, y: -self.y }
    }

    pub(super) const fn x(&self) -> &Element<N, C> {
        &self.x
    }

    #[cfg(test)]
    pub(super) const fn y(&self) -> &Element<N, C> {
        &self.y
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
        Self::chord(&self.x, &self.y, &self.z, &h, &r)
    }

    /// self + other, in 11 multiplications and 3 squarings.
    #[inline]
    pub(super) fn add(&self, other: &Multiple<N, C>) -> Self {
        if self.is_infinity() {
            return other.point;
        }
        let zz = self.z.square();
        let u = self.x * other.zz;
        let s = self.y * other.zzz;
        let h = other.point.x * zz - u;
        let r = other.point.y * zz * self.z - s;
        if h.is_zero() {
            return if r.is_zero() { self.double() } else { Self::INFINITY };
        }
        Self::chord(&u, &s, &(self.z * other.point.z), &h, &r)
    }

    /// The third point of a sum, from one summand (u/z², s/z³) and the differences h and r of both summands' coordinates
    /// over the common z: Z' = z·h, X' = r² − h³ − 2uh², Y' = r(uh² − X') − sh³.
    #[inline(always)]
    fn chord(u: &Element<N, C>, s: &Element<N, C>, z: &Element<N, C>, h: &Element<N, C>, r: &Element<N, C>) -> Self {
        let hh = h.square();
        let hhh = *h * hh;
        let v = *u * hh;
        let x = r.square() - hhh - v.double();
        let y = *r * (v - x) - *s * hhh;
        Self { x, y, z: *z * *h }
    }

    /// The coordinates. `None` for O.
    pub(super) fn to_affine(self) -> Option<Affine<N, C>> {
        (!self.is_infinity()).then(|| self.with_inverse(&self.z.inverse()))
    }

    /// The odd multiples 1, 3, 5… of a point other than O. Over the Z of 2·self (which is Y·Z) in place of 1, that is on
    /// an isomorphic curve, 2·self is affine, and each step is an addition of an affine point.
    pub(super) fn odd_multiples(self) -> impl Iterator<Item = Self> {
        let Self { x, y, z } = self.double();
        let step = Affine { x, y };
        let yy = self.y.square();
        let mut last = None;
        std::iter::from_fn(move || {
            let multiple = match last {
                None => Self::from(Affine { x: self.x * yy, y: yy.square() }),
                Some(multiple) => Self::add_affine(&multiple, &step),
            };
            last = Some(multiple);
            Some(Self { z: multiple.z * z, ..multiple })
        })
    }

    /// The coordinates of many points for the price of one inversion. O must not be among them.
    pub(super) fn all_to_affine(points: &[Self]) -> Vec<Affine<N, C>> {
        let mut product = Element::ONE;
        let mut before = Vec::with_capacity(points.len());
        for point in points {
            before.push(product);
            product = product * point.z;
        }
        let mut inverse = product.inverse();
        let mut affine: Vec<_> = points
            .iter()
            .zip(before)
            .rev()
            .map(|(point, before)| {
                let of_point = inverse * before;
                inverse = inverse * point.z;
                point.with_inverse(&of_point)
            })
            .collect();
        affine.reverse();
        affine
    }

    fn with_inverse(&self, inverse: &Element<N, C>) -> Affine<N, C> {
        let squared = inverse.square();
        Affine { x: self.x * squared, y: self.y * squared * *inverse }
    }
}

impl<const N: usize, const C: u64> From<Affine<N, C>> for Jacobian<N, C> {
    fn from(point: Affine<N, C>) -> Self {
        Self { x: point.x, y: point.y, z: Element::ONE }
    }
}

/// A point to be added often, with the powers of its Z.
#[derive(Debug, Clone, Copy)]
pub(super) struct Multiple<const N: usize, const C: u64> {
    point: Jacobian<N, C>,
    zz: Element<N, C>,
    zzz: Element<N, C>,
}

impl<const N: usize, const C: u64> Multiple<N, C> {
    pub(super) fn new(point: Jacobian<N, C>) -> Self {
        let zz = point.z.square();
        Self { point, zz, zzz: zz * point.z }
    }

    #[inline(always)]
    pub(super) fn negative(&self) -> Self {
        Self { point: Jacobian { y: -self.point.y, ..self.point }, ..*self }
    }
}
