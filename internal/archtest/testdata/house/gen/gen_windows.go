package gen

func init() {} // want init
